"""Settings of detectors that are kept with a run."""

from __future__ import annotations

import json

import pytest

from onebody.inference.activity import ActivityConfig
from onebody.inference.boundaries import GradientConfig
from onebody.inference.chosen import (
    FILE,
    chosen_elsewhere,
    keep_chosen,
    read_chosen,
    read_events,
)
from onebody.inference.events import EventConfig
from onebody.tasks import ClassificationConfig, build_tasks


@pytest.fixture(scope="module")
def tasks():
    return build_tasks(
        {
            "plain": ClassificationConfig(name="plain", classes=("walk", "wave")),
            "knows": ClassificationConfig(name="knows", classes=("walk", "idle")),
            "other": ClassificationConfig(name="other", classes=("walk", "idle")),
        }
    )


def test_what_was_chosen_is_read_back_and_kept_beside_the_others(tmp_path, tasks):
    assert read_chosen(tmp_path, tasks) == {}
    keep_chosen(tmp_path, {"plain": {}})
    assert not (tmp_path / FILE).exists()
    keep_chosen(tmp_path, {"plain": {"gradient": GradientConfig(smooth_s=0.8)}})
    path = keep_chosen(tmp_path, {"plain": {"events": EventConfig(on=0.7)}, "other": {}})
    assert path == tmp_path / FILE
    assert read_chosen(tmp_path, tasks) == {
        "plain": {"gradient": GradientConfig(smooth_s=0.8), "events": EventConfig(on=0.7)}
    }


def test_a_stream_reads_those_of_its_way(tmp_path, tasks):
    chosen = {"events": EventConfig(on=0.7), "activity": ActivityConfig(on=0.8, off=0.2)}
    keep_chosen(tmp_path, {"plain": chosen, "knows": chosen, "other": {"events": EventConfig()}})
    assert read_events(tmp_path, tasks) == {
        "plain": EventConfig(on=0.7),
        "knows": ActivityConfig(on=0.8, off=0.2),
    }


def test_settings_of_another_run_are_whole(tmp_path, tasks):
    with pytest.raises(ValueError, match=r"every decoder, found none for plain\.events\. Choose"):
        chosen_elsewhere(tmp_path, tasks, ["plain"], ["events"])
    chosen = {"plain": {"events": EventConfig(on=0.7)}}
    keep_chosen(tmp_path, chosen)
    assert chosen_elsewhere(tmp_path, tasks, ["plain"], ["events"]) == chosen
    with pytest.raises(ValueError, match=r"found none for plain\.window, other\.events, other\.w"):
        chosen_elsewhere(tmp_path, tasks, ["plain", "other"], ["events", "window"])
    with pytest.raises(ValueError, match="expected the folder of a run, found none"):
        chosen_elsewhere(tmp_path / "nowhere", tasks, ["plain"], ["events"])
    strange = {name: task for name, task in tasks.items() if name != "plain"}
    with pytest.raises(ValueError, match=r"settings for other, found some for plain\. Name"):
        chosen_elsewhere(tmp_path, strange, ["other"], ["events"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"detect.json: expected JSON, found: .*Delete it, and let 'onebody detect"),
        ("[1]", r"detect.json: expected settings by label space and detector, found \[1\]"),
        ({"plain": {"events": {"on": 3}}}, r"detect.json, plain.events: .*on"),
        ({"plain": {"events": {"on": True}}}, r"plain.events: .*number for 'on', found true"),
        ({"plain": {"events": {"onn": 0.5}}}, r"detect.json, plain.events: .*onn"),
        ({"plain": {"events": {"average_s": 1e9}}}, r"detect.json, plain.events: .*average_s"),
        ({"plain": {"window": {"least": 2}}}, r"detect.json, plain.window: .*least"),
        ({"plian": {}}, r"Unknown task in .*detect.json: 'plian'.*plain"),
        (
            {"plain": {"evnts": {}}},
            r"Unknown detector of 'plain' in .*detect.json: 'evnts'.*events",
        ),
        (
            {"knows": {"activity": {"nothing": ["rest"]}}},
            r"detect.json, knows.activity.nothing: expected one of .*'knows', as idle, found rest",
        ),
    ],
)
def test_whatever_is_wrong_with_the_file_is_named(tmp_path, tasks, content, message):
    (tmp_path / FILE).write_text(content if isinstance(content, str) else json.dumps(content))
    for read in (read_chosen, read_events):
        with pytest.raises(ValueError, match=message):
            read(tmp_path, tasks)


def test_a_folder_is_no_file(tmp_path, tasks):
    (tmp_path / FILE).mkdir()
    with pytest.raises(ValueError, match=r"detect.json: expected JSON, found: .*directory"):
        read_events(tmp_path, tasks)
