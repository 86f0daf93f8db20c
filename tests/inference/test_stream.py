"""A stream answers as the network does on clips, for one person or several, for any length."""

from __future__ import annotations

import gc
import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.inference import Predictor
from onebody.inference.capture import open_capture
from onebody.inference.follow import FollowConfig
from onebody.inference.frame_queue import FrameQueue, feed
from onebody.inference.reader import open_medium, read_windows
from onebody.inference.smooth import SmoothConfig
from onebody.inference.step import eager_step
from onebody.inference.stream import Stream
from onebody.models import Calibration, build_network, input_shapes
from onebody.tasks import build_tasks
from stream_networks import tiny_stream

PLAIN = SmoothConfig(enabled=False)
CAMERA = (60.0, 60.0, 32.0, 24.0)


def scores(frames, task):
    """Return the class scores of all frames."""
    return np.concatenate([frame.prediction.classes[task].scores for frame in frames])


def places(frames, task="pose"):
    """Return the joints of all frames."""
    return np.concatenate([frame.prediction.poses[task].joints for frame in frames])


def noise(count, height=24, width=32):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def play(stream, frames, fps=25.0, **given):
    return [stream.push(frame, number / fps, **given) for number, frame in enumerate(frames)]


@pytest.mark.parametrize("modality", ["rgb", "flow/rgb"])
@pytest.mark.parametrize("boxed", [False, True])
def test_a_stream_of_a_file_is_the_predictor_on_it(tmp_path, make_video, boxed, modality):
    saved = tiny_stream(modality=modality)
    path = make_video(tmp_path / "a.mp4", 6, fps=25)
    box = (8.0, 4.0, 50.0, 45.0) if boxed else None
    known = {"camera": CAMERA, "depth_ref_mm": 3000.0}
    stream = Stream(saved, smooth=PLAIN, follow=False, **known)
    frames = [
        stream.push(frame.pixels, frame.time_s, {3: box} if boxed else None)
        for frame in open_capture(path)
    ]
    expected = Predictor(saved=saved).predict(path, box=box, **known)
    for task in ("pose", "space"):
        np.testing.assert_allclose(
            places(frames, task), expected.poses[task].joints, rtol=1e-5, atol=1e-3
        )
        assert frames[0].prediction.poses[task].unit == expected.poses[task].unit
    for task in ("action", "gesture", "both"):
        clip = expected.classes[task]
        np.testing.assert_allclose(scores(frames, task).mean(0), clip.probabilities, atol=1e-5)
        assert frames[0].prediction.classes[task].owners == clip.owners
    times = np.concatenate([frame.prediction.times_s for frame in frames])
    np.testing.assert_allclose(times, expected.times_s)
    assert frames[0].prediction.size == expected.size
    if boxed:
        np.testing.assert_allclose(frames[-1].prediction.boxes[0], box)


def test_a_stream_is_the_network_from_frame_to_frame(tmp_path, make_video):
    saved = tiny_stream(frames=12)
    path = make_video(tmp_path / "a.mp4", 12, fps=25)
    medium = open_medium(str(path))
    (group,) = read_windows(medium, np.array([[0, 12]]), saved.input)
    with torch.inference_mode():
        outputs, _ = saved.network.stream(group.batch, {})
    stream = Stream(saved, smooth=PLAIN, follow=False)
    frames = [stream.push(frame.pixels, frame.time_s) for frame in open_capture(path)]
    for task in ("action", "gesture", "both"):
        expected = torch.softmax(outputs[task][-1][0], -1).numpy()
        np.testing.assert_allclose(scores(frames, task), expected, atol=1e-5)
        assert np.ptp(expected, axis=0).max() > 1e-3  # or the test would say nothing
    found = saved.network.tasks["pose"].decode(outputs["pose"][-1], group.batch.context)
    np.testing.assert_allclose(places(frames), found[0].numpy(), atol=1e-3)


def test_any_runner_gives_the_same_stream():
    saved, frames = tiny_stream(size=64, encoder={"kind": "stream", "size": "s"}), noise(6)
    plain = play(Stream(saved), frames)
    other = play(Stream(saved, runner=eager_step(saved)), frames)
    np.testing.assert_allclose(scores(other, "both"), scores(plain, "both"), atol=1e-5)
    np.testing.assert_allclose(places(other), places(plain), atol=1e-3)


def test_a_depth_network_reads_grey_pictures(tmp_path, make_video):
    saved = tiny_stream(modality="depth")
    path = make_video(tmp_path / "a.mp4", 6)
    stream = Stream(saved, smooth=PLAIN, follow=False)
    assert stream.channels == 1
    frames = [answer for _, answer in stream.run(open_capture(path, channels=stream.channels))]
    expected = Predictor(saved=saved).predict(path)
    np.testing.assert_allclose(places(frames), expected.poses["pose"].joints, atol=1e-3)


def test_calibration_counts():
    saved = tiny_stream()
    hot = replace(saved, calibration={"action": Calibration(temperature=4.0)})
    plain, soft = (play(Stream(s, follow=False), noise(4)) for s in (saved, hot))
    sharp = np.log(scores(plain, "action"))
    expected = torch.softmax(torch.from_numpy(sharp / 4), -1).numpy()
    np.testing.assert_allclose(scores(soft, "action"), expected, atol=1e-5)


class Blob:
    """A runner that finds a bright spot: joints around it, sure of them where it is bright."""

    name, precision = "blob", "fp32"

    def __init__(self, label=0):
        self.label = label
        self.steps = []

    def step(self, frame, state):
        count = 0 if state is None else int(state[0][0])
        self.steps.append(count)
        bright = frame[0].mean(0) > 0.5
        rows, columns = np.nonzero(bright)
        side = frame.shape[-1]
        joints = np.zeros((1, 1, 17, 3), np.float32)
        if len(rows):
            share = np.linspace(0, 1, 17)
            for axis, found in ((0, columns), (1, rows)):
                low, high = found.min() / side, (found.max() + 1) / side
                joints[0, 0, :, axis] = low + share * (high - low)
            joints[..., 2] = 0.9
        logits = np.full((1, 1, 2), -3.0, np.float32)
        logits[..., self.label] = 3.0
        answers = {"pose": joints, "action": logits}
        return answers, [np.array([count + 1], np.float32)]


SIMPLE = ("action", "pose")


def spots(corners, height=120, width=160, side=30):
    """Black pictures with a bright square at each corner in turn; None: without."""
    frames = np.zeros((len(corners), height, width, 3), np.uint8)
    for frame, corner in zip(frames, corners, strict=True):
        if corner is not None:
            x, y = corner
            frame[y : y + side, x : x + side] = 255
    return frames


def test_the_box_follows_the_pose_and_the_whole_picture_is_searched_when_lost():
    runner = Blob()
    stream = Stream(tiny_stream(size=64, tasks=SIMPLE), runner=runner)
    corners = [(20 + i, 40) for i in range(60)] + [None] * 30 + [(100, 60)] * 5
    frames = play(stream, spots(corners))
    boxes = np.concatenate([frame.prediction.boxes for frame in frames])
    assert np.isnan(boxes[0]).all()  # nobody knows yet
    assert np.isfinite(boxes[1:60]).all()
    assert np.isnan(boxes[85:91]).all()
    assert np.isfinite(boxes[91:]).all()
    assert runner.steps[:3] == [0, 0, 1]  # a new window, a new memory
    assert max(runner.steps) > 50  # but not with every step of the box
    assert [frame.seen for frame in frames] == [corner is not None for corner in corners]
    middle = places(frames)[:60, :, :2].mean(1)
    np.testing.assert_allclose(middle[:, 1], 55, atol=2)
    lag = middle[:, 0] - (np.arange(60) + 35)
    assert np.abs(lag).max() < 6


def test_nobody_seen_is_no_event():
    stream = Stream(tiny_stream(size=64, tasks=SIMPLE), runner=Blob(label=1))
    frames = play(stream, spots([(20, 40)] * 40 + [None] * 40 + [(90, 40)] * 40))
    started = [event for frame in frames for event in frame.started]
    ended = [event for frame in frames for event in frame.ended] + stream.finish()
    assert [event.label for event in started] == ["sit", "sit"]
    assert ended[0].end_s == pytest.approx(40 / 25, abs=0.3)
    assert ended[1].start_s == pytest.approx(80 / 25, abs=0.3)
    assert ended[1].end_s == pytest.approx(119 / 25)
    assert frames[30].current["action"].label == "sit"
    assert frames[75].current["action"] is None
    assert stream.finish() == []


def test_every_person_has_a_state_of_their_own():
    saved, frames = tiny_stream(), noise(10, 60, 80)
    boxes = {5: (0.0, 0.0, 40.0, 50.0), 9: (30.0, 10.0, 79.0, 59.0)}
    together = play(Stream(saved), frames, boxes=boxes)
    for track, box in boxes.items():
        alone = play(Stream(saved), frames, boxes={track: box})
        for one, both in zip(alone, together, strict=True):
            mine = both.people[track]
            np.testing.assert_array_equal(
                mine.poses["pose"].joints, one.prediction.poses["pose"].joints
            )
            np.testing.assert_array_equal(
                mine.classes["both"].scores, one.prediction.classes["both"].scores
            )
    assert together[0].prediction is together[0].people[5]


def test_people_come_and_go():
    runner = Blob()
    stream = Stream(
        tiny_stream(size=64, tasks=SIMPLE), runner=runner, following=FollowConfig(forget_s=0.5)
    )
    picture = spots([(20, 40)])[0]
    one, two = {1: (20, 40, 50, 70)}, {2: (0, 0, 80, 80)}
    ended = []
    for number in range(100):
        boxes = one | two if number < 40 else (one if number < 80 else {})
        frame = stream.push(picture, number / 25, boxes)
        ended += [(event.track, number) for event in frame.ended]
        assert set(frame.people) == set(boxes)
    assert [track for track, _ in ended] == [2, 1]
    assert ended[0][1] == pytest.approx(40 + 12.5, abs=2)
    assert frame.prediction.poses == {}
    assert frame.current == {}
    assert stream.finish() == []


class Finder:
    """Knows where two people are."""

    def find(self, frame, time_s):
        return {1: (0, 0, 30, 40), 2: (10.0, 5.0, 60.0, 45.0)}


def test_a_detector_takes_the_place_of_the_caller():
    saved, frames = tiny_stream(), noise(5, 50, 64)
    found = play(Stream(saved, finder=Finder(), fps=25.0), frames)
    expected = play(Stream(saved), frames, boxes=Finder().find(frames[0], 0.0))
    for one, other in zip(found, expected, strict=True):
        assert set(one.people) == {1, 2}
        np.testing.assert_array_equal(
            one.people[2].poses["pose"].joints, other.people[2].poses["pose"].joints
        )


def test_a_change_of_size_is_said_and_survived():
    stream = Stream(tiny_stream(size=64, tasks=SIMPLE), runner=Blob())
    small = play(stream, spots([(20, 40)] * 20))
    big = [
        stream.push(frame, 1 + number / 25)
        for number, frame in enumerate(spots([(200, 100)] * 20, 240, 320))
    ]
    (note,) = big[0].notes
    assert "160 x 120 to 320 x 240" in note
    assert all(frame.notes == () for frame in small + big[1:])
    assert np.isnan(big[0].prediction.boxes).all()
    assert big[0].prediction.size == (240, 320)
    np.testing.assert_allclose(big[-1].prediction.boxes[0], [200, 100, 230, 130], atol=6)
    assert [event.label for event in stream.finish()] == ["walk"]  # it went on all the while


@pytest.mark.parametrize(
    ("frame", "time_s", "boxes", "match"),
    [
        (np.zeros((1, 1, 3), np.uint8), 1.0, None, "found 1 x 1"),
        (np.zeros((24, 32, 3), np.uint8), 0.1, None, "after 0.16 s, found one of 0.1 s"),
        (np.zeros((24, 32, 3), np.uint8), math.nan, None, "found one of nan s"),
        (np.zeros((24, 32, 3), np.uint8), 1.0, {1: (5, 5, 5, 9)}, "x0 < x1"),
        (np.zeros((24, 32, 3), np.uint8), 1.0, {1: (50, 5, 60, 9)}, "outside of the picture"),
    ],
)
def test_a_bad_frame_is_refused_and_changes_nothing(frame, time_s, boxes, match):
    saved, frames = tiny_stream(), noise(6)
    stream = Stream(saved)
    expected = play(Stream(saved), frames)[-1]
    play(stream, frames[:5])
    with pytest.raises(ValueError, match=match):
        stream.push(frame, time_s, boxes)
    found = stream.push(frames[5], 5 / 25)
    np.testing.assert_array_equal(places([found]), places([expected]))


def test_a_faster_stream_is_thinned_to_the_rate_of_the_network():
    saved, frames = tiny_stream(notes={"fps": 15.0}), noise(20)
    found = play(Stream(saved, follow=False), frames, fps=30.0)
    assert [frame.ran for frame in found] == [True, False] * 10
    expected = play(Stream(saved, follow=False), frames[::2], fps=15.0)
    np.testing.assert_array_equal(places(found[::2]), places(expected))
    skipped = found[1].prediction
    np.testing.assert_array_equal(places(found[1:2]), places(found[:1]))
    assert not skipped.poses["pose"].measured.any()
    assert skipped.times_s[0] == pytest.approx(1 / 30)
    assert found[1].started == found[1].ended == ()
    assert found[-1].prediction.fps == pytest.approx(30, rel=0.01)


def test_a_slower_stream_is_said_once():
    found = play(Stream(tiny_stream(notes={"fps": 30.0})), noise(20), fps=10.0)
    notes = [note for frame in found for note in frame.notes]
    assert len(notes) == 1
    assert "10.0 frames per second come, the network expects 30" in notes[0]


def test_poses_are_smoothed_and_scores_are_not():
    saved, frames = tiny_stream(), noise(20)
    rough = play(Stream(saved, smooth=PLAIN, follow=False), frames)
    smooth = play(Stream(saved, follow=False), frames)
    np.testing.assert_array_equal(scores(smooth, "both"), scores(rough, "both"))
    np.testing.assert_array_equal(places(smooth)[..., 2], places(rough)[..., 2])
    moves = [np.abs(np.diff(places(x)[..., :2], axis=0)).mean() for x in (smooth, rough)]
    assert moves[0] < 0.8 * moves[1]


def test_stages_and_delay_are_measured(tmp_path, make_video):
    path = make_video(tmp_path / "a.mp4", 5)
    for frame, answer in Stream(tiny_stream()).run(open_capture(path)):
        stages = dict(answer.stages_ms)
        stages.pop("ahead", None)
        assert set(stages) == {"decode", "crop", "network", "smooth", "events"}
        assert stages.pop("decode") == frame.decode_ms
        spent = sum(stages.values())
        assert 0 < spent / 1e3 <= answer.delay_s


def test_frames_may_come_through_a_queue(tmp_path, make_video):
    queue = FrameQueue(100)
    feed(open_capture(make_video(tmp_path / "a.mp4", 5)), queue)
    assert len(list(Stream(tiny_stream()).run(queue))) == 5


def test_a_network_that_only_knows_classes_looks_at_the_whole_picture():
    frames = play(Stream(tiny_stream(tasks=("action",))), noise(5))
    assert np.isnan(frames[-1].prediction.boxes).all()
    assert frames[-1].seen
    assert set(frames[-1].current) == {"action"}


def test_a_window_of_a_class_head_serves_too():
    saved = tiny_stream(tasks=("action",))
    config = saved.config.model_copy(update={"heads": {"action": {"kind": "class", "window": 4}}})
    config = type(config).model_validate(config.model_dump())
    tasks = {"action": saved.tasks["action"].model_copy(update={"per_frame": False})}
    network = build_network(config, build_tasks(tasks), input_shapes(saved.input)).eval()
    windowed = replace(saved, network=network, config=config, tasks=tasks)
    assert scores(play(Stream(windowed), noise(6)), "action").shape == (6, 2)


def test_a_network_that_looks_ahead_is_refused():
    saved = tiny_stream()
    encoder = saved.config.encoder.model_copy(update={"causal": False})
    config = saved.config.model_copy(update={"encoder": encoder})
    network = build_network(config, saved.network.tasks, input_shapes(saved.input)).eval()
    with pytest.raises(ValueError, match="looks ahead"):
        Stream(replace(saved, network=network))


def test_memory_stays_flat_for_thousands_of_frames():
    runner = Blob()
    stream = Stream(tiny_stream(size=32, tasks=SIMPLE), runner=runner)
    pictures = spots([(20 + i % 40, 40) for i in range(100)])
    pictures[60:] = 0  # lost and found again, events begin and end

    def run(first, count):
        for number in range(first, first + count):
            stream.push(pictures[number % 100], number / 25)
        runner.steps.clear()
        gc.collect()
        return len(gc.get_objects())

    objects = run(0, 200)
    assert run(200, 2000) - objects < 50
    tracemalloc.start()  # arrays too; slow, so for a while only
    try:
        run(2200, 100)
        before = tracemalloc.get_traced_memory()[0]
        run(2300, 200)
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


def test_what_a_network_remembers_stays_of_one_size():
    stream, frames = Stream(tiny_stream(size=16), follow=False), noise(40)
    sizes = set()
    for number, frame in enumerate(frames):
        stream.push(frame, number / 25)
        (person,) = stream._people.values()
        if number > 5:
            sizes.add(tuple(value.shape for value in person._memory))
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("camera", "distance", "match"),
    [
        ("abcd", 2500.0, "fx, fy, cx, cy.*'abcd'"),
        ((1.0, 2.0, 3.0), 2500.0, "fx, fy, cx, cy"),
        ((math.nan, 2.0, 3.0, 4.0), 2500.0, "finite"),
        ((-1.0, 2.0, 3.0, 4.0), 2500.0, "positive"),
        ((1.0, 2.0, 3.0, 4.0), -1.0, "distance of the body"),
    ],
)
def test_an_impossible_lens_is_refused_at_once(camera, distance, match):
    with pytest.raises(ValueError, match=match):
        Stream(tiny_stream(), camera=camera, depth_ref_mm=distance)
