"""Training rows of one kind are left out, class by class, and nothing else is touched."""

import numpy as np
import pytest
from tiny_training import TinyConfig, build_tiny, plain, read

from onebody.data import ClassColumn, make_table
from onebody.labels import LabelSpace
from onebody.training import build_sources
from onebody.training.thin import thinned_out


def make(values):
    column = ClassColumn(values=np.array(values), space=LabelSpace("kinds", ("a", "b")))
    media = [f"{i}.mp4" for i in range(len(values))]
    return make_table("t", {"rgb": media}, columns={"action": column})


def test_each_class_keeps_its_share_of_the_training_rows():
    table = make([0] * 10 + [1] * 4 + [-1] * 3)
    trains = np.ones(17, np.bool_)
    trains[9] = False
    lost = thinned_out(table, {"action": 0.5}, trains, 3)
    assert (~lost[:9]).sum() == 4  # round(4.5)
    assert (~lost[10:14]).sum() == 2
    assert not lost[9]
    assert not lost[14:].any()


def test_smaller_shares_are_nested_and_keep_one_row_of_each_class():
    table = make([0] * 10 + [1] * 4)
    trains = np.ones(14, np.bool_)
    more = thinned_out(table, {"action": 0.6}, trains, 0)
    less = thinned_out(table, {"action": 0.01}, trains, 0)
    assert (~less).sum() == 2
    assert not (~less & more).any()


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'action'"):
        thinned_out(make([0, 1]), {"actoin": 0.5}, np.ones(2, np.bool_), 0)


def test_a_recipe_trains_on_fewer_rows_and_tests_on_the_same(tmp_path, monkeypatch):
    from onebody.config import Factory
    from onebody.datasets import DATASETS

    tiny = Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    monkeypatch.setitem(DATASETS, "tiny", tiny)
    values = plain(tmp_path)
    values["data"][0]["dataset"]["labels"] = "one"
    whole = build_sources(read(values))
    values["data"][0]["thin"] = {"action": 0.4}
    thin = build_sources(read(values))
    assert whole.rows["train"] == 16
    assert thin.rows["train"] == 14  # of four actions, two of each class or three and one
    for part in ("validation", "test", "unlabeled"):
        assert thin.rows[part] == whole.rows[part]


def test_several_tables_may_hold_out_different_subjects(tmp_path, monkeypatch):
    from onebody.config import Factory
    from onebody.datasets import DATASETS

    def other(config):
        from dataclasses import replace

        table = build_tiny(config)
        return replace(table, subject=np.char.add("x", table.subject.astype(np.str_)))

    monkeypatch.setitem(
        DATASETS, "tiny", Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    )

    class OtherConfig(TinyConfig):
        kind: str = "other"

    monkeypatch.setitem(
        DATASETS, "other", Factory(config=OtherConfig, build=other, summary="for tests")
    )
    values = plain(tmp_path)
    second = {"kind": "other", "folder": str(tmp_path / "media")}
    values["data"].append({"dataset": second, "batch_size": 8})
    values["split"] = {"test": {"subject": ["s1", "xs2"]}, "validation": {"subject": ["s0"]}}
    found = build_sources(read(values))
    assert [set(s.table.subject) for s in found.splits["test"]] == [{"s1"}, {"xs2"}]
    assert [set(s.table.subject) for s in found.splits["validation"]] == [{"s0"}]
    values["split"] = {"test": {"subject": ["s1", "xs22"]}}
    with pytest.raises(ValueError, match="Did you mean"):
        build_sources(read(values))
