"""Sources whose people are called alike, and folds that test no clip of none of the tasks."""

import pytest

from onebody.data import make_table
from onebody.studies import without_task as section
from onebody.studies.measure import Measured
from onebody.studies.runs import Run
from onebody.studies.without_task import ANSWER, WithoutTaskConfig, arm_of
from onebody.studies.without_task_summary import _unknown


def test_people_of_two_sources_must_not_be_called_alike(tiny_recipe, monkeypatch):
    people = {"a": ["1", "2"], "b": ["2", "3"]}
    tables = [
        make_table(name, {"rgb": [f"{name}{s}.mp4" for s in own]}, subject=own)
        for name, own in people.items()
    ]
    monkeypatch.setattr(section, "read_tables", lambda recipe: tables)
    with pytest.raises(ValueError, match=r"'2' is also a subject of 'a'.*subject_prefix"):
        section._across(None, "routed", tiny_recipe)


def unknown_run(fold: str, auroc: float | None) -> Run:
    """Return a run of a network without some classes; None: its fold tests none of them."""
    figures = {"auroc": auroc, "fpr95": 0.5, "rejected_known": 0.1, "rejected_neither": 0.3}
    neither = {} if auroc is None else {ANSWER: figures}
    measured = Measured(figures={}, confusion={}, classes={}, samples={}, neither=neither)
    arm = arm_of("routed", "unknown")
    return Run(arm=arm, fold=fold, seed=0, summary=None, measured=measured)


def test_a_fold_without_clips_of_none_is_left_out_of_the_means():
    config = WithoutTaskConfig(ways=("routed",), unknown={"gesture": ("blue",)})
    runs = [unknown_run("s0", 0.7), unknown_run("s1", None), unknown_run("s2", 0.9)]
    assert _unknown(config, runs).rows == (
        ("routed", "80.0 %", "70.0 to 90.0", "50.0 %", "10.0 %", "30.0 %"),
    )
    assert _unknown(config, [unknown_run("s1", None)]).rows == (("routed", *["-"] * 5),)
