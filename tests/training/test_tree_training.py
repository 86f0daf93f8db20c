"""A tree of labels through training, evaluation, stress, other data and prediction."""

import numpy as np
import pytest

from onebody.evaluation import (
    evaluate,
    figures,
    figures_by_group,
    groups_of,
    measure_under_stress,
)
from onebody.inference import load
from onebody.training import build_sources, read_log, train
from onebody.training.calibrate import CalibrateConfig, calibrate
from onebody.training.cross import measure_cross

TREE = {"near": ["a", "b"], "far": ["c", "d"]}
SPLIT = {"own_split": True}


@pytest.fixture
def recipe(tiny, tmp_path):
    """Return a maker of recipes with a tree over who it is, and with two heads beside it."""

    def make(changes=(), hide=None, tasks=("tree", "two")):
        part = {"dataset": {"kind": "tiny", "folder": str(tmp_path / "media")}, "batch_size": 8}
        part["derive"] = {"place": {"column": "who", "tree": TREE}}
        if hide:
            part["hide"] = {"columns": hide, "share": 0.5}
        every = {
            "tree": {"kind": "tree", "column": "who", "class_column": "place", "tree": TREE},
            "place": "classification",
            "who": "classification",
            "two": {"kind": "consistency", "coarse": "place", "fine": "who", "tree": TREE},
        }
        kept = {"place", "who"} if "two" in tasks else set()
        chosen = {n: t for n, t in every.items() if n in kept | set(tasks)}
        return tiny(list(changes), data=[part], tasks=chosen, split=SPLIT)

    return make


@pytest.mark.parametrize(("sharing", "balancer"), [("hard", "upgrad"), ("shared-private", "dwa")])
def test_it_learns_beside_two_heads(recipe, tmp_path, sharing, balancer):
    changes = ["schedule={steps: 24}", "optimizer.lr=0.01", "train.validate_every=100"]
    changes += [f"network.sharing={sharing}", f"balancer={balancer}"]
    summary = train(recipe(changes), tmp_path / "run", progress=False)
    first, *_, last = [x["loss"] for x in read_log(tmp_path / "run" / "log.jsonl") if "loss" in x]
    assert set(first) == {"tree", "place", "who"}  # the comparison of heads learns nothing
    assert last["tree"] < 0.8 * first["tree"]
    assert summary.validation["tree"]["class_top1"] >= summary.validation["tree"]["top1"]
    found = summary.validation["two"]
    assert found["consistency"] == pytest.approx(1 - found["contradiction"])


def test_rows_of_a_class_alone_are_trained_on(recipe):
    whole = build_sources(recipe(tasks=("tree",))).rows["train"]
    part = build_sources(recipe(tasks=("tree",), hide=["who"]))
    table = part.splits["train"][0].table
    assert part.rows["train"] == whole == 16
    assert int(table.labeled("who").sum()) == 8
    assert int(table.labeled("place").sum()) == 16
    less = build_sources(recipe(tasks=("tree",), hide=["who", "place"]))
    assert less.rows["train"] == 8
    kept = less.splits["train"][0].table.row_names
    assert set(kept) == set(table.row_names[table.labeled("who")])  # the very same rows


def test_twins_lose_the_comparison_of_heads(recipe):
    assert list(recipe().only(["tree"]).tasks) == ["tree"]
    assert list(recipe().only(["who", "two"]).tasks) == ["who"]
    assert set(recipe().only(["who", "place", "two"]).tasks) == {"place", "who", "two"}


class TestARun:
    @pytest.fixture
    def run(self, recipe, tmp_path):
        changes = ["schedule={steps: 2}"]
        train(recipe(changes, hide=["who"]), tmp_path / "run", progress=False)
        return tmp_path / "run"

    def test_what_is_predicted_never_contradicts_itself(self, run, tmp_path):
        pictures = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3)).astype(np.uint8)
        found = load(run).predict(pictures, fps=25.0, tasks=["tree"])
        place, who = found.labels()
        assert place.name in TREE
        assert who.name in TREE[place.name]
        assert who.above == place.name
        answer = found.classes["tree"]
        scores = dict(zip(answer.classes, answer.probabilities.tolist(), strict=True))
        assert place.probability == pytest.approx(sum(scores[leaf] for leaf in TREE[place.name]))
        again = type(found).from_json(found.to_json())
        assert again.labels() == found.labels()
        pairs = load(run).predict(pictures, fps=25.0, tasks=["two"]).labels()
        assert pairs[0].name.split(" / ")[0] in TREE

    def test_tests_of_classes_alone_measure_these(self, run, recipe):
        network = load(run).saved.network
        own = recipe()
        sources = build_sources(own).splits["test"]
        bare = []
        for source in sources:
            table = source.table.hide("who", np.arange(len(source.table)) < 3)
            bare.append(type(source)(table=table, spec=source.spec, targets=source.targets))
        results = evaluate(network, bare, tasks=["tree"], clips=2)
        found = figures(network.tasks, results)["tree"]
        whole = figures(network.tasks, evaluate(network, sources, tasks=["tree"], clips=2))["tree"]
        assert found["class_top1"] == whole["class_top1"]
        groups = groups_of(bare[0].table, "place")
        for values in figures_by_group(network.tasks, results, groups)["tree"].values():
            assert 0 <= values["class_top1"] <= 1
        made = calibrate(network, bare, CalibrateConfig())
        assert made == {}  # no task answers over several others

    def test_it_is_measured_under_stress(self, run, recipe):
        network = load(run).saved.network
        sources = build_sources(recipe()).splits["test"]
        (curve,) = measure_under_stress(network, sources, stresses=["blur"])
        assert curve.metrics["tree"] == "top1"
        assert curve.values["tree"][0] is not None

    def test_on_other_data_it_is_tested_on_its_leaves(self, run, recipe):
        found = measure_cross(run, recipe(tasks=("tree",)), "test")
        assert set(found.classes["tree"]) == set("abcd")
        assert found.rows["tree"] == 4
        assert set(found.figures) == {"tree"}


def test_soft_labels_of_a_tree_are_refused(recipe, tmp_path):
    train(recipe(["schedule={steps: 1}"], tasks=("tree",)), tmp_path / "teacher", progress=False)
    pseudo = f"pseudo=[{{task: tree, teacher: {tmp_path / 'teacher'}}}]"
    with pytest.raises(ValueError, match="task 'tree' is tree; soft labels serve classification"):
        train(
            recipe([pseudo], hide=["who", "place"], tasks=("tree",)),
            tmp_path / "student",
            progress=False,
        )
