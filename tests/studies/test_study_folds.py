"""Folds that hold out a part of every table."""

import numpy as np
import pytest

from onebody.data import make_table
from onebody.evaluation import split_several
from onebody.studies import folds
from onebody.studies.config import FoldsConfig


def table(name, **columns):
    rows = len(next(iter(columns.values())))
    return make_table(name, {"rgb": [f"{name}{i}.mp4" for i in range(rows)]}, **columns)


PEOPLE = table("people", subject=[f"p{i % 4}" for i in range(12)])
FILMS = table("films", group=[f"f{i // 2}" for i in range(20)])


@pytest.fixture
def make(monkeypatch, tiny_recipe):
    def make(tables, k):
        monkeypatch.setattr(folds, "read_tables", lambda recipe: tables)
        return tiny_recipe, folds.make_folds(tiny_recipe, FoldsConfig(k=k))

    return make


def test_every_row_of_every_table_is_tested_once(make):
    recipe, made = make([PEOPLE, FILMS], 4)
    assert [fold.name for fold in made] == ["1of4", "2of4", "3of4", "4of4"]
    divided = [split_several([PEOPLE, FILMS], fold.apply(recipe).split) for fold in made]
    for place, size in enumerate((12, 20)):
        parts = [fold[place] for fold in divided]
        assert np.array_equal(sum(part.test.astype(int) for part in parts), np.ones(size))
        assert all(part.test.any() and part.train.any() for part in parts)
    people = [fold.apply(recipe).split.test["subject"] for fold in made]
    assert sorted(people) == [("p0",), ("p1",), ("p2",), ("p3",)]


def test_names_of_several_tables_are_tested_once(make):
    tables = [
        table("pictures", subject=[f"p{i}" for i in range(6)]),
        table("skeletons", subject=[f"p{i}" for i in range(2, 10)]),
    ]
    recipe, made = make(tables, 2)
    tested = [set(fold.apply(recipe).split.test["subject"]) for fold in made]
    assert not tested[0] & tested[1]
    assert tested[0] | tested[1] == {f"p{i}" for i in range(10)}


def test_the_same_seed_draws_the_same_folds(make):
    recipe, first = make([FILMS], 5)
    _, second = make([FILMS], 5)
    assert [f.apply(recipe).split.test for f in first] == [
        f.apply(recipe).split.test for f in second
    ]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (table("few", subject=["a", "b", "a"]), "found 2 subjects"),
        (table("none", group=["", "", ""]), r"found 1 groups \(3 rows without\)"),
    ],
)
def test_tables_that_cannot_be_divided_are_named(make, own, message):
    with pytest.raises(ValueError, match=f"'{own.name}' cannot be divided into 3 folds.*{message}"):
        make([own], 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["p0", "p0"], r"stated twice \(p0, p0\)"),
        ([["p0", "p1"], ["p2", "p1"]], "each value in one fold, found p1 in several"),
    ],
)
def test_a_value_is_held_out_once(tiny_recipe, values, message):
    with pytest.raises(ValueError, match=message):
        folds.make_folds(tiny_recipe, FoldsConfig(column="subject", values=values))


def test_one_way_of_folding_is_stated():
    with pytest.raises(ValueError, match="one of 'column', 'key' and 'k'"):
        FoldsConfig(column="subject", k=3)
    with pytest.raises(ValueError, match="'k' is at least 2"):
        FoldsConfig(k=3, values=("a",))
