"""A whole run on people who wave and stand: recipe, nested choice, twins, tables, command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from clips_for_tests import standing, waving
from typer.testing import CliRunner

import onebody.classic.twins
from onebody.classic import ClassicRecipe, SingleTaskTwin, experiment, run_classic
from onebody.classic.recipe import GridConfig
from onebody.classic.samples import learned_features, read_samples
from onebody.classic.systems import make_systems
from onebody.cli.app import app
from onebody.cli.classic import read_classic
from onebody.config import read_config
from onebody.data import ClassColumn, make_table
from onebody.data.store import save_table
from onebody.datasets.prepared import store_arrays
from onebody.labels import symmetric
from onebody.training import recipe_heading, recipe_names
from onebody.training.reading import read_values

CLASSES = ("wave left", "wave right", "stand", "jump")
MINE = [name for name in recipe_names() if "kind" in read_values(name)[1]]


def write_people(folder: Path, *, fps: float = 30.0) -> Path:
    """Write four people who do three of four classes twice, and one unlabeled row."""
    clips, labels, subjects = [], [], []
    for person in range(4):
        for trial in range(2):
            seed = 10 * person + trial
            clips += [
                waving(side="l", noise=10.0, seed=seed),
                waving(side="r", noise=10.0, seed=100 + seed),
                standing(noise=10.0, seed=200 + seed),
            ]
            labels += [0, 1, 2]
            subjects += [str(person + 1)] * 3
    labels[-1] = -1
    folder.mkdir(parents=True)
    table = make_table(
        "people",
        {"skeleton": store_arrays(folder / "skeleton.npy", [clip.joints for clip in clips])},
        columns={
            "class": ClassColumn(
                values=np.array(labels, np.int64), space=symmetric("people class", CLASSES)
            )
        },
        layouts={"skeleton": "kinect-20"},
        fps=np.full(len(clips), fps),
        subject=subjects,
    )
    save_table(table, folder)
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return write_people(tmp_path_factory.mktemp("people") / "prepared")


def plain(folder, **changes):
    return {
        "kind": "part-bow",
        "dataset": {"kind": "prepared", "folder": str(folder)},
        "features": {"words": 6, "neighbors": 2, "levels": [1, 2]},
        "grid": {
            "ridge": [0.01], "graph_strength": [0.0, 0.01], "sparsity": [0.0], "private": [0.1],
        },
        **changes,
    }  # fmt: skip


def recipe(folder, **changes):
    return read_config(ClassicRecipe, plain(folder, **changes), "test")


@pytest.fixture(scope="module")
def results(people):
    with pytest.warns(UserWarning, match="1 of 24 rows without 'class'"):
        return run_classic(recipe(people, views=[0, 90]))


def test_every_person_is_tested_once(results):
    assert [fold.name for fold in results] == [f"subject={p}" for p in "1234"]
    assert [fold.rows for fold in results] == [(17, 6)] * 3 + [(18, 5)]


def test_easy_movements_are_told_apart_by_all(results):
    for fold in results:
        assert [one.system for one in fold.systems] == [
            "multi-task", "ridge", "svm", "ridge, all views as one", "svm, all views as one",
        ]  # fmt: skip
        for one in fold.systems:
            assert set(one.figures) == {"top1", "precision", "recall", "macro_f1", "auroc"}
            assert len(one.by_view) == 2
            assert 0 <= one.validation <= 1
    for place in range(5):
        assert np.mean([fold.systems[place].figures["top1"] for fold in results]) >= 0.75
    assert 0 < results[0].related[0][2] <= 1


def test_codebooks_and_choices_never_see_who_is_tested(people, monkeypatch):
    made = recipe(people, split={"test": {"subject": ["2"]}}, views=[0])
    seen = []

    def watched(recipe, samples, train, *others):
        seen.append(
            (set(samples.table.subject[train]), [set(samples.table.subject[o]) for o in others])
        )
        return learned_features(recipe, samples, train, *others)

    monkeypatch.setattr(experiment, "learned_features", watched)
    with pytest.warns(UserWarning, match="left out"):
        run_classic(made)
    assert seen[-1] == ({"1", "3", "4"}, [{"2"}])
    inner = seen[:-1]
    assert len(inner) == 3
    for learned, (validated,) in inner:
        assert len(learned) == 2
        assert len(validated) == 1
        assert learned | validated == {"1", "3", "4"}


def test_views_are_stacked_and_fused(people):
    made = recipe(people, views=[0, 45, 90])
    with pytest.warns(UserWarning, match="left out"):
        samples = read_samples(made)
    train, test = learned_features(made, samples, np.arange(6), np.arange(6, 8))
    assert train.values.shape == (18, 5 * 3 * 6)
    assert test.views.tolist() == [0, 0, 1, 1, 2, 2]
    scores = np.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(test.fused(scores), [[4, 5], [6, 7]])


def test_twins_have_as_many_candidates(people):
    for views, count in ((1, 12), (3, 24)):
        systems = make_systems(recipe(people, grid={}), CLASSES[:3], views)
        assert {len(system.candidates) for system in systems} == {count}
        assert len(systems) == (3 if views == 1 else 5)
    assert GridConfig().candidates(1)[0] == {"sparsity": 0.0, "ridge": 0.003, "graph_strength": 0.0}
    strengths = [c["strength"] for c in systems[1].candidates]
    assert (strengths[0], strengths[-1]) == pytest.approx((1e-4, 1e-1))


def test_a_stated_graph_is_taken(people):
    made = recipe(
        people,
        split={"test": {"subject": ["1"]}},
        model={"graph": [["wave left", "wave right"]]},
    )
    with pytest.warns(UserWarning, match="left out"):
        found = run_classic(made)
    assert found[0].related == (("wave left", "wave right", 1.0),)


class TestTwins:
    rng = np.random.default_rng(0)
    y = np.arange(40) % 4
    x = rng.normal(0, 1, (4, 6))[y] + 0.3 * rng.normal(0, 1, (40, 6))

    @pytest.mark.parametrize("kind", ["ridge", "svm"])
    def test_views_are_learned_alone_or_together(self, kind):
        views = np.arange(40) // 20
        alone = SingleTaskTwin(kind, 0.1).fit(self.x, self.y, views=views)
        first = SingleTaskTwin(kind, 0.1).fit(self.x[:20], self.y[:20])
        np.testing.assert_allclose(
            alone.decision_function(self.x, views=views)[:20],
            first.decision_function(self.x[:20]),
        )
        pooled = SingleTaskTwin(kind, 0.1, pooled=True).fit(self.x, self.y, views=views)
        whole = SingleTaskTwin(kind, 0.1).fit(self.x, self.y)
        np.testing.assert_allclose(
            pooled.decision_function(self.x, views=views), whole.decision_function(self.x)
        )
        assert (whole.predict(self.x) == self.y).mean() > 0.9

    def test_an_svm_that_does_not_settle_is_named(self, monkeypatch):
        monkeypatch.setattr(onebody.classic.twins, "MAX_ITER", 1)
        with pytest.warns(UserWarning, match="svm of strength 100: not settled after 1 iter"):
            SingleTaskTwin("svm", 100.0).fit(self.x, self.y)

    def test_what_is_not_possible_is_refused(self):
        with pytest.raises(ValueError, match="'ridge' or 'svm', found 'tree'"):
            SingleTaskTwin("tree").fit(self.x, self.y)
        with pytest.raises(ValueError, match="View 1 lacks rows of some classes"):
            SingleTaskTwin().fit(self.x, self.y, views=(np.arange(40) >= 38).astype(int))
        fitted = SingleTaskTwin().fit(self.x, self.y, views=np.arange(40) // 20)
        with pytest.raises(ValueError, match=r"\[7\] not seen in training"):
            fitted.predict(self.x[:1], views=[7])


@pytest.fixture(scope="module")
def done(people, tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    values = {**plain(people), "debug": ["split={test: {subject: ['3']}}"]}
    (folder / "mine.yaml").write_text("# Mine.\n" + yaml.safe_dump(values))
    arguments = [
        "classic",
        str(folder / "mine.yaml"),
        "seed=2",
        "--debug",
        "--out",
        str(folder),
    ]
    with pytest.warns(UserWarning, match="left out"):
        return folder, CliRunner().invoke(app, arguments)


class TestCommand:
    def test_prints_figures_and_differences(self, done):
        _, result = done
        assert result.exit_code == 0, result.output
        assert re.search(r"system +tested +accuracy +precision +recall +F1 +AUC", result.output)
        assert re.search(r"^ridge +test +100.0 %", result.output, re.M)
        assert re.search(r"^accuracy gained over +test +mean$", result.output, re.M)
        assert "no interval (1 subject" in result.output

    def test_keeps_recipe_and_figures(self, done):
        found = json.loads((done[0] / "results.json").read_text())
        assert found["recipe"]["seed"] == 2
        assert [one["system"] for one in found["folds"][0]["systems"]] == [
            "multi-task", "ridge", "svm",
        ]  # fmt: skip
        assert found["folds"][0]["systems"][0]["figures"]["top1"] == 1.0

    def test_refuses_recipes_of_other_kinds_and_wrong_keys(self, done):
        result = CliRunner().invoke(app, ["classic", "debug-simulated"])
        assert result.exit_code == 2
        assert "expected 'kind: part-bow'" in result.stderr
        result = CliRunner().invoke(app, ["classic", str(done[0] / "mine.yaml"), "featurs.words=3"])
        assert result.exit_code == 2
        assert "Did you mean 'features'?" in result.stderr


@pytest.mark.parametrize("name", MINE)
def test_the_packages_recipes_are_read(name):
    made = read_classic(name, [])
    assert read_classic(name, [], debug=True) != made
    assert any(f"onebody classic {name}" in line for line in recipe_heading(name))
    assert len(make_systems(made, CLASSES, 3)) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": [0, 0]}, "names an angle twice"),
        ({"views": [-90, 270]}, "names an angle twice"),
        ({"views": [0, np.nan]}, "finite number"),
        ({"grid": {"ridge": [np.inf]}}, "finite number"),
        ({"twins": {"svm": [1, np.inf]}}, "finite number"),
        ({"model": {"tol": np.inf}}, "finite number"),
        ({"inner": {"k": 3, "validation_share": 0.2}}, "leave 'validation' out"),
        ({"grid": {"ridge": []}}, "grid.ridge"),
        ({"grid": {"ridge": [-1]}}, "grid.ridge.0"),
        ({"features": {"power": 0}}, "features.power"),
    ],
)
def test_impossible_recipes_are_refused(people, change, message):
    with pytest.raises(ValueError, match=message):
        recipe(people, **change)


def test_missing_media_and_columns_are_named(people):
    with pytest.raises(ValueError, match="Unknown medium of table 'people': 'rgb'"):
        read_samples(recipe(people, modality="rgb"))
    with pytest.raises(ValueError, match=r"class column of table 'people': 'clas'.*'class'"):
        read_samples(recipe(people, column="clas"))


def test_unknown_speeds_are_told(tmp_path):
    folder = write_people(tmp_path / "still", fps=float("nan"))
    slow = "23 of 23 rows do not say how fast they run"
    with pytest.warns(UserWarning, match=slow), pytest.warns(UserWarning, match="left out"):
        read_samples(recipe(folder))
