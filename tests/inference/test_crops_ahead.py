"""Crops that are made while frames wait change no answer."""

from __future__ import annotations

import time

import numpy as np
import pytest

from onebody.data import InputSpec
from onebody.data.picture import ArrayPicture
from onebody.inference.capture import CapturedFrame, open_capture
from onebody.inference.crops_ahead import CropsAhead
from onebody.inference.prepare import prepare_frame
from onebody.inference.stream import Stream
from stream_networks import tiny_stream

SPEC = InputSpec(modality="rgb", size=16)
BOX = np.array([4.0, 4.0, 20.0, 20.0])


def frame(number, height=24):
    pixels = np.random.default_rng(number).integers(0, 255, (height, 32, 3), np.uint8)
    picture = ArrayPicture(pixels)
    return CapturedFrame(picture=picture, time_s=number / 10, number=number, decode_ms=1, taken_s=0)


def test_frames_are_cropped_where_a_box_rests():
    crops = CropsAhead(SPEC)
    crops.make(frame(0))
    assert crops.take(0, None) is None, "nobody knows where anybody is"
    crops.expect(None)
    crops.expect(None)
    crops.make(frame(1))
    whole = crops.take(1, None)
    np.testing.assert_array_equal(whole.ready.pixels, prepare_frame(frame(1).picture, SPEC).pixels)
    assert whole.took_ms > 0
    assert crops.take(1, None) is None, "it is given once"
    crops.expect(BOX)
    crops.make(frame(2))
    assert crops.take(2, BOX) is None, "it has just moved"
    crops.expect(BOX.copy())
    crops.make(frame(3))
    made = crops.take(3, BOX)
    expected = prepare_frame(frame(3).picture, SPEC, BOX)
    np.testing.assert_array_equal(made.ready.pixels, expected.pixels)
    np.testing.assert_array_equal(made.ready.crop_to_source, expected.crop_to_source)


def test_a_crop_of_another_place_is_not_used():
    crops = CropsAhead(SPEC)
    for _ in range(2):
        crops.expect(BOX)
    for number in (1, 2, 3):
        crops.make(frame(number))
    assert crops.take(1, BOX + 1) is None
    assert crops.take(2, None) is None
    crops.clear()
    assert crops.take(3, BOX) is None
    crops.make(frame(4))
    assert crops.take(4, BOX) is None


def test_crops_of_frames_that_are_passed_over_are_forgotten():
    crops = CropsAhead(SPEC)
    for _ in range(2):
        crops.expect(BOX)
    for number in range(1, 9):
        crops.make(frame(number))
    assert crops.take(5, BOX) is not None
    assert crops.take(3, BOX) is None
    assert crops.take(8, BOX) is not None
    assert not crops._made


def test_a_frame_in_which_nobody_could_be_seen_is_left_to_who_takes_it():
    crops = CropsAhead(SPEC)
    for _ in range(2):
        crops.expect(None)
    crops.make(frame(1, height=4))
    assert crops.take(1, None) is None


class Spot:
    """Finds a bright spot, slowly, so that frames wait."""

    name, precision = "spot", "fp32"

    def step(self, frame, state):
        time.sleep(0.004)
        rows, columns = np.nonzero(frame[0].mean(0) > 0.5)
        joints = np.zeros((1, 1, 17, 3), np.float32)
        if len(rows):
            share, side = np.linspace(0, 1, 17), frame.shape[-1]
            for axis, found in ((0, columns), (1, rows)):
                low, high = found.min() / side, (found.max() + 1) / side
                joints[0, 0, :, axis] = low + share * (high - low)
            joints[..., 2] = 0.9
        logits = np.zeros((1, 1, 2), np.float32)
        logits[..., 0] = frame.mean()
        return {"pose": joints, "action": logits}, [np.zeros(1, np.float32)]


@pytest.fixture
def recording(tmp_path):
    """A spot that rests, walks, and rests again, in noise."""
    path = np.concatenate([np.full(20, 20), 20 + 3 * np.arange(20), np.full(20, 80)])
    frames = np.random.default_rng(0).integers(0, 60, (60, 96, 128, 3), np.uint8)
    for shown, x in zip(frames, path, strict=True):
        shown[30:60, x : x + 24] = 255
    np.save(tmp_path / "spot.npy", frames)
    return str(tmp_path / "spot.npy")


def test_a_stream_of_a_file_answers_as_without(recording):
    saved = tiny_stream(tasks=("action", "pose"))
    stream = Stream(saved, runner=Spot())
    for again in range(2):  # the numbers of the second pass are those of the first
        ahead = [made for _, made in stream.run(open_capture(recording, fps=25))]
        stream = Stream(saved, runner=Spot()) if again == 0 else stream
    other = Stream(saved, runner=Spot())
    plain = [other.push(f.picture, f.time_s) for f in open_capture(recording, fps=25)]
    assert len(ahead) == len(plain) == 60
    for one, two in zip(ahead, plain, strict=True):
        np.testing.assert_array_equal(one.prediction.boxes, two.prediction.boxes)
        np.testing.assert_array_equal(
            one.prediction.poses["pose"].joints, two.prediction.poses["pose"].joints
        )
        np.testing.assert_array_equal(
            one.prediction.classes["action"].scores, two.prediction.classes["action"].scores
        )
    used = ["ahead" in made.stages_ms for made in ahead]
    assert sum(used) > 10
    boxes = np.concatenate([made.prediction.boxes for made in ahead])
    moved = (np.diff(boxes, axis=0) != 0).any(1)
    assert moved.sum() > 3
    assert not any(use for use, move in zip(used[1:], moved, strict=True) if move)
    assert not any("ahead" in made.stages_ms for made in plain)


def test_a_source_of_which_frames_are_passed_over_is_not_cropped_ahead(recording):
    saved = tiny_stream(tasks=("action", "pose"), notes={"fps": 10.0})
    made = [made for _, made in Stream(saved, runner=Spot()).run(open_capture(recording, fps=25))]
    assert sum(one.ran for one in made) == pytest.approx(24, abs=1)
    assert not any("ahead" in one.stages_ms for one in made[5:])
