"""What a comparison says of clips that belong to none of the tasks."""

import pytest

from onebody.studies import compare, notes
from onebody.studies.delta import HEADLINES
from onebody.tasks import TASKS
from onebody.training import Recipe


@pytest.fixture(scope="module")
def finished(tiny_recipe, tmp_path_factory):
    """Compare a network of two tasks that share no clip, one class held out, with its twins."""
    values = tiny_recipe.plain()
    values["data"][0]["dataset"]["labels"] = "one"
    values["tasks"] = {
        "action": "classification",
        "gesture": "classification",
        "kind": {"kind": "which", "of": ["action", "gesture"]},
        "routed": {"kind": "routed", "router": "kind", "of": ["action", "gesture"]},
    }
    values |= {
        "twins": {},
        "unknown": {"gesture": ["green"]},
        "split": {"test": {"subject": ["s0", "s3"]}, "validation": {"subject": ["s1"]}},
    }
    folder = tmp_path_factory.mktemp("neither")
    return compare(Recipe.model_validate(values), folder, progress=False, say=lambda _: None)


def test_the_table_shows_what_a_missing_task_id_costs(finished):
    metrics = [line.metric for line in finished.lines if line.task == "routed"]
    assert metrics == ["top1", "task_accuracy", "top1_given", "top1_gap"]
    by_metric = {line.metric: line for line in finished.lines if line.task == "routed"}
    gap = by_metric["top1_given"].joint - by_metric["top1"].joint
    assert by_metric["top1_gap"].joint == pytest.approx(gap)
    assert not by_metric["top1_gap"].higher_is_better
    assert {line.twin for line in finished.lines} == {"action", "gesture", ""}


def test_clips_of_none_are_told_of_in_words(finished):
    (joint,) = [run for run in finished.runs if run.arm == "joint"]
    assert set(joint.measured.neither["routed"]) == {
        "auroc",
        "fpr95",
        "rejected_known",
        "rejected_neither",
    }
    (said,) = [note for note in notes(finished) if note.startswith("routed: ")]
    assert "AUROC" in said
    assert all(not run.measured.neither for run in finished.runs if run.arm != "joint")


def test_headlines_are_metrics_of_their_tasks():
    assert {"which", "routed", "union"} <= set(HEADLINES) <= set(TASKS)
