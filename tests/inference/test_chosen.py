"""Settings of detectors that are kept with a run."""

from __future__ import annotations

import json

import pytest

from onebody.inference.activity import ActivityConfig
from onebody.inference.boundaries import GradientConfig
from onebody.inference.chosen import FILE, keep_chosen, read_chosen, read_events
from onebody.inference.events import EventConfig
from onebody.tasks import ClassificationConfig, build_tasks


def test_what_was_chosen_is_read_back_and_kept_beside_the_others(tmp_path):
    assert read_chosen(tmp_path, "action", "gradient") is None
    keep_chosen(tmp_path, {"action": {}})
    assert read_chosen(tmp_path, "action", "gradient") is None
    keep_chosen(tmp_path, {"action": {"gradient": GradientConfig(smooth_s=0.8)}})
    keep_chosen(tmp_path, {"action": {"events": EventConfig(on=0.7)}, "other": {}})
    assert read_chosen(tmp_path, "action", "gradient") == GradientConfig(smooth_s=0.8)
    assert read_chosen(tmp_path, "action", "events") == EventConfig(on=0.7)
    assert read_chosen(tmp_path, "other", "events") is None


def test_a_stream_reads_those_of_its_way(tmp_path):
    tasks = build_tasks(
        {
            "plain": ClassificationConfig(name="plain", classes=("walk", "wave")),
            "knows": ClassificationConfig(name="knows", classes=("walk", "idle")),
            "other": ClassificationConfig(name="other", classes=("walk", "idle")),
        }
    )
    chosen = {"events": EventConfig(on=0.7), "activity": ActivityConfig(on=0.8, off=0.2)}
    keep_chosen(tmp_path, {"plain": chosen, "knows": chosen, "other": {"events": EventConfig()}})
    assert read_events(tmp_path, tasks) == {
        "plain": EventConfig(on=0.7),
        "knows": ActivityConfig(on=0.8, off=0.2),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"detect.json: expected JSON, found .*Delete it, and let 'onebody detect"),
        ("[1]", r"detect.json: expected settings by label space and detector, found \[1\]"),
        (json.dumps({"a": {"events": {"on": 3}}}), r"detect.json, a.events: .*on"),
        (json.dumps({"a": {"events": {"onn": 0.5}}}), r"detect.json, a.events: .*onn"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, message):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_chosen(tmp_path, "a", "events")
