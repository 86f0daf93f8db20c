"""What pages are told can be written as JSON, whatever is unknown."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_stream import LAYOUT, FakeStream, said_of, standing

from onebody.inference.stream import Stream, StreamFrame
from onebody.viewer.looks import Rate, told_frame, told_skeleton
from stream_networks import tiny_stream


def test_a_frame_is_told():
    stream = FakeStream((100, 200))
    told = told_frame(stream.push(np.zeros((100, 200, 3), np.uint8), 1.5))
    assert (told["time_s"], told["height"], told["width"]) == (1.5, 100, 200)
    wrist = told["poses"]["pose"]["joints"][LAYOUT.index("l_wrist")]
    assert wrist == [148.0, 12.0, 0.9]
    assert told["current"]["gesture"] == {"label": "wave", "confidence": 0.92, "start_s": 1.5}
    assert told["current"]["action"] is None
    assert told["classes"]["gesture"] == [["wave", 0.92], ["clap", 0.05]]


def test_what_is_unknown_is_null():
    joints = standing(100, 200)
    joints[3] = np.nan
    scores = {"action": {"stand": float("nan")}}
    prediction = said_of(joints, (100, 200), scores=scores)
    current = {"action": None}
    frame = StreamFrame(prediction=prediction, people={}, current=current, delay_s=float("inf"))
    told = json.loads(json.dumps(told_frame(frame), allow_nan=False))
    assert told["poses"]["pose"]["joints"][3] is None
    assert told["classes"]["action"] == [["stand", None]]


def test_a_network_is_told():
    stream = Stream(tiny_stream())
    frame = stream.push(np.zeros((48, 64, 3), np.uint8), 0.0)
    told = json.loads(json.dumps(told_frame(frame), allow_nan=False))
    assert set(told["poses"]) == {"pose", "space"}
    assert set(told["classes"]) == {"both"}, "a joint answer alone speaks"
    assert told["stages_ms"]["network"] > 0


def test_a_layout_is_told_as_it_is_drawn():
    told = told_skeleton("coco-17")
    assert told["sides"][5:7] == ("left", "right")
    assert (5, 7) in told["bones"]


def test_frames_per_second_are_those_of_late():
    rate = Rate()
    assert rate.count(0.0) == 0.0
    for number in range(1, 100):
        found = rate.count(number / 10)
    assert found == pytest.approx(10)
    for number in range(1, 100):
        found = rate.count(9.9 + number / 40)
    assert found == pytest.approx(40)
