"""A predictor covers whole media, sees what training saw, and answers for the right frames."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from onebody.config import Config
from onebody.data import InputSpec, make_table
from onebody.data.assemble import make_batch
from onebody.data.sources import MediaError, read_frames
from onebody.inference import Predictor, load, write_video
from onebody.inference.reader import open_medium, read_pictures, read_windows
from onebody.labels import symmetric
from onebody.models import Network, SavedNetwork
from onebody.tasks.classification import ClassificationTask
from onebody.tasks.pose2d import Pose2DTask
from onebody.tasks.pose3d import Pose3DTask
from onebody.tasks.union import UnionTask
from saved_runs import write_run

DENSE = InputSpec(size=16, frames=8, sampling="dense")
UNIFORM = InputSpec(size=16, frames=4)


class Brightness(Network):
    """Answers by brightness: joints lie at (brightness, 0.5), bright clips wave."""

    causal = False

    def __init__(self, with_3d: bool = False) -> None:
        super().__init__()
        action = symmetric("action", ("walk", "sit"))
        gesture = symmetric("gesture", ("wave", "clap"))
        joined = symmetric("both", ("walk", "sit", "wave", "clap"))
        self.tasks = {
            "action": ClassificationTask(name="action", column="action", space=action),
            "gesture": ClassificationTask(name="gesture", column="gesture", space=gesture),
            "pose": Pose2DTask(name="pose", column="pose", skeleton="coco-17"),
            "both": UnionTask(
                name="both", column="", space=joined, of=("action", "gesture"), sizes=(2, 2)
            ),
        }
        if with_3d:
            self.tasks["space"] = Pose3DTask(name="space", column="space", skeleton="coco-17")
        self.sizes = []

    def forward(self, batches, rows=None):
        (batch,), (asked,) = batches, rows
        self.sizes.append(len(batch))
        bright = batch.inputs["rgb"].mean(dim=(1, 3, 4))  # [B, T]
        clip = bright.mean(1)
        zero = torch.zeros_like(clip)
        logits = {
            "action": torch.stack([zero, zero], 1),
            "gesture": torch.stack([4 * clip, zero], 1),
        }
        logits["both"] = torch.cat([logits["action"], logits["gesture"]], 1)
        joints = torch.full((*bright.shape, 17, 3), 0.5)
        joints[..., 0] = bright[..., None]
        joints[..., 2] = 0.9
        spatial = torch.cat([joints[..., :2], joints[..., :1], joints[..., 2:]], dim=-1)
        found = {**logits, "pose": joints, "space": spatial}
        return [{name: (found[name],) for name in asked}]

    def stream(self, frame, state):
        raise NotImplementedError

    def shared(self, tasks):
        raise NotImplementedError


def predictor(spec, *, with_3d=False, notes=None, **given):
    network = Brightness(with_3d)
    saved = SavedNetwork(network=network, tasks={}, input=spec, config=Config(), notes=notes or {})
    return Predictor(saved=saved, **given)


def ramp(count, height=20, width=20):
    """Frames whose brightness is their number."""
    values = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(values, (count, height, width, 3)).copy()


def frame_of(prediction):
    """Read frame numbers back from predicted joints (20 px wide pictures)."""
    return prediction.poses["pose"].joints[:, 0, 0] / 20 * 255


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 13, 40])
def test_dense_windows_answer_for_every_frame(count):
    prediction = predictor(DENSE).predict(ramp(count), fps=10.0)
    assert len(prediction) == count
    np.testing.assert_allclose(frame_of(prediction), np.arange(count), atol=1e-3)
    assert prediction.poses["pose"].measured.all()
    np.testing.assert_allclose(prediction.times_s, np.arange(count) / 10)


@pytest.mark.parametrize("stride", [2, 3])
def test_strided_windows_interpolate_between_what_they_see(stride):
    spec = DENSE.model_copy(update={"stride": stride})
    prediction = predictor(spec).predict(ramp(60), fps=10.0)
    measured = prediction.poses["pose"].measured
    assert measured.any()
    assert not measured.all()
    inside = slice(np.flatnonzero(measured)[0], np.flatnonzero(measured)[-1] + 1)
    np.testing.assert_allclose(frame_of(prediction)[inside], np.arange(60)[inside], atol=1e-3)


def test_uniform_sampling_sees_few_frames_of_all_and_interpolates():
    prediction = predictor(UNIFORM).predict(ramp(40), fps=10.0)
    measured = prediction.poses["pose"].measured
    np.testing.assert_array_equal(np.flatnonzero(measured), [5, 15, 25, 35])
    np.testing.assert_allclose(frame_of(prediction)[5:36], np.arange(5, 36), atol=1e-3)
    np.testing.assert_allclose(frame_of(prediction)[:5], 5, atol=1e-3)
    np.testing.assert_array_equal(prediction.classes["action"].windows, [[0, 40]])


def test_more_clips_see_more_frames():
    prediction = predictor(UNIFORM).predict(ramp(40), fps=10.0, clips=5)
    assert prediction.poses["pose"].measured.sum() == 20
    assert len(prediction.classes["action"].windows) == 1
    np.testing.assert_allclose(prediction.classes["action"].scores.sum(), 1.0, rtol=1e-5)


def test_windows_as_long_as_training_clips():
    asked = predictor(UNIFORM).predict(ramp(40), fps=10.0, window_s=1.0)
    noted = predictor(UNIFORM, notes={"clip_s": 1.0}).predict(ramp(40), fps=10.0)
    assert len(asked.classes["action"].windows) == 7
    assert asked.to_json() == noted.to_json()


def test_scores_are_averaged_over_windows():
    prediction = predictor(DENSE).predict(ramp(40), fps=10.0)
    gesture = prediction.classes["gesture"]
    centers = gesture.windows.mean(axis=1) - 0.5
    expected = 1 / (1 + np.exp(-4 * centers / 255))
    np.testing.assert_allclose(gesture.scores[:, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(gesture.probabilities[0], expected.mean(), rtol=1e-4)


def test_the_union_tells_gesture_from_action():
    prediction = predictor(DENSE).predict(np.full((8, 20, 20, 3), 250, np.uint8), fps=10.0)
    (label,) = prediction.labels()
    assert (label.task, label.name) == ("gesture", "wave")
    assert prediction.classes["both"].owners == ("action", "action", "gesture", "gesture")


def test_without_the_union_each_task_answers():
    prediction = predictor(DENSE).predict(ramp(8), fps=10.0, tasks=["gesture", "action"])
    assert [x.task for x in prediction.labels()] == ["gesture", "action"]
    assert not prediction.poses


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_number_of_windows_at_once_changes_nothing(batch_size):
    expected = predictor(DENSE).predict(ramp(50), fps=10.0)
    one = predictor(DENSE, batch_size=batch_size)
    assert one.predict(ramp(50), fps=10.0).to_json() == expected.to_json()
    assert max(one.saved.network.sizes) <= batch_size


def test_a_span_is_a_part_of_the_whole(tmp_path, make_video):
    video = make_video(tmp_path / "a.mp4", 40)
    whole = predictor(DENSE).predict(video)
    part = predictor(DENSE).predict(video, span_s=(0.4, 1.0))
    assert (part.first_frame, len(part)) == (10, 15)
    np.testing.assert_allclose(part.times_s, whole.times_s[10:25])
    np.testing.assert_allclose(
        part.poses["pose"].joints, whole.poses["pose"].joints[10:25], rtol=1e-4
    )
    rest = predictor(DENSE).predict(ramp(20), fps=10.0, span_s=(1.5, float("nan")))
    np.testing.assert_allclose(frame_of(rest), np.arange(15, 20), atol=1e-3)


def test_a_span_outside_is_refused(tmp_path, make_video):
    video = make_video(tmp_path / "a.mp4", 10)
    with pytest.raises(MediaError, match="frames between 3 s and 4 s"):
        predictor(DENSE).predict(video, span_s=(3.0, 4.0))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fps": float("inf")}, "Frames per second"),
        ({"depth_ref_mm": -3.0}, "distance of the body"),
        ({"depth_ref_mm": float("nan")}, "distance of the body"),
        ({"camera": (1.0, 2.0, float("nan"), 4.0)}, "camera should be fx, fy, cx, cy, finite"),
        ({"camera": (1.0, 0.0, 2.0, 4.0)}, "camera should be fx, fy, cx, cy, finite"),
    ],
)
def test_numbers_that_no_camera_has_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        predictor(DENSE).predict(ramp(10), **{"fps": 10.0, **given})


def test_windows_are_prepared_as_in_evaluation(tmp_path, make_video):
    video = str(make_video(tmp_path / "a.mp4", 30))
    for spec in (DENSE, UNIFORM):
        table = make_table("t", {"rgb": [video]}, start_s=[4 / 25], end_s=[12 / 25])
        expected = make_batch(table, [0], spec, (), augment=None)
        medium = open_medium(video)
        (group,) = read_windows(medium, np.array([[4, 12]]), spec)
        torch.testing.assert_close(group.batch.inputs["rgb"], expected.inputs["rgb"])
        torch.testing.assert_close(group.batch.context.times_s, expected.context.times_s)
        torch.testing.assert_close(
            group.batch.context.crop_to_source, expected.context.crop_to_source
        )


def test_videos_folders_and_stills(tmp_path):
    frames = ramp(12)
    write_video(tmp_path / "a.mp4", frames, 12.5, quality=0)
    (tmp_path / "frames").mkdir()
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{i}.png")
    video = predictor(DENSE).predict(tmp_path / "a.mp4")
    folder = predictor(DENSE).predict(tmp_path / "frames", fps=12.5)
    still = predictor(DENSE).predict(tmp_path / "frames" / "7.png")
    np.testing.assert_allclose(frame_of(video), np.arange(12), atol=2)
    np.testing.assert_allclose(frame_of(folder), np.arange(12), atol=1e-3)
    np.testing.assert_allclose(frame_of(still), [7], atol=1e-3)
    assert video.fps == folder.fps == 12.5
    np.testing.assert_allclose(video.times_s, folder.times_s)
    assert video.size == (20, 20)
    assert video.source == str(tmp_path / "a.mp4")


def test_times_of_a_variable_rate_are_the_files_own(tmp_path, make_video):
    times = [0, 40, 80, 300, 340, 380]
    video = make_video(tmp_path / "a.mp4", 6, times_ms=times)
    prediction = predictor(DENSE).predict(video)
    np.testing.assert_allclose(prediction.times_s, np.array(times) / 1000, atol=2e-3)


def test_grey_arrays_and_single_pictures():
    assert len(predictor(DENSE).predict(ramp(9)[..., 0], fps=5.0)) == 9
    assert len(predictor(DENSE).predict(ramp(9)[3])) == 1


def test_joints_come_back_in_source_pixels():
    # 40 x 20 pictures are padded to a square of 40: x = brightness of the padded square
    prediction = predictor(DENSE).predict(np.full((8, 20, 40, 3), 255, np.uint8), fps=5.0)
    joints = prediction.poses["pose"].joints
    np.testing.assert_allclose(joints[..., 0], 20.0, atol=0.5)
    np.testing.assert_allclose(joints[..., 1], 10.0, atol=1e-3)
    np.testing.assert_allclose(joints[..., 2], 0.9, atol=1e-6)


def test_millimeters_need_camera_and_distance():
    one = predictor(DENSE, with_3d=True)
    unknown = one.predict(ramp(8), fps=5.0).poses["space"]
    assert np.isnan(unknown.joints).all()
    known = one.predict(ramp(8), fps=5.0, camera=(100, 100, 10, 10), depth_ref_mm=3000.0)
    joints = known.poses["space"].joints
    assert np.isfinite(joints).all()
    np.testing.assert_allclose(joints[:, 0, 2], 2000 + 2000 * np.arange(8) / 255, atol=1)
    assert known.poses["space"].unit == "mm"


def test_progress_is_told():
    told = []
    predictor(DENSE, batch_size=2).predict(
        ramp(40), fps=5.0, progress=lambda done, whole: told.append((done, whole))
    )
    assert told[-1] == (9, 9)
    assert [done for done, _ in told] == [2, 4, 6, 8, 9]


def test_long_media_need_no_more_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("onebody.inference.reader.CHUNK_BYTES", 50 * 60 * 80 * 3)

    def peak(count):
        np.save(tmp_path / f"{count}.npy", np.zeros((count, 60, 80, 3), np.uint8))
        one = predictor(DENSE, batch_size=2)
        tracemalloc.start()
        one.predict(str(tmp_path / f"{count}.npy"), fps=25.0, tasks=["action"])
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(40)
    assert peak(600) < 1.3 * peak(60) + 300_000


@pytest.mark.parametrize("frames", [1, 8, 9, 16, 30])
def test_large_pictures_are_read_in_smaller_parts(tmp_path, monkeypatch, make_video, frames):
    video = make_video(tmp_path / "a.mp4", 40)
    for spec in (DENSE, UNIFORM):
        expected = predictor(spec).predict(video).to_json()
        asked = []

        def read(source, indices, channels=3, asked=asked):
            asked.append(len(indices))
            return read_frames(source, indices, channels=channels)

        with monkeypatch.context() as patch:
            patch.setattr("onebody.inference.reader.CHUNK_BYTES", 48 * 64 * 3 * frames)
            patch.setattr("onebody.inference.reader.read_frames", read)
            assert predictor(spec).predict(video).to_json() == expected
        assert max(asked) <= max(frames, spec.frames)


def test_frames_of_overlapping_windows_are_read_once(monkeypatch, tmp_path, make_video):
    video = make_video(tmp_path / "a.mp4", 40)
    asked = []

    def read(source, indices, channels=3):
        asked.extend(indices.tolist())
        return read_frames(source, indices, channels=channels)

    monkeypatch.setattr("onebody.inference.reader.read_frames", read)
    predictor(DENSE, batch_size=2).predict(video)
    assert asked == list(range(40))


def test_pictures_come_one_by_one(tmp_path, monkeypatch, make_video, numbers_in):
    video = make_video(tmp_path / "a.mp4", 11)
    monkeypatch.setattr("onebody.inference.reader.CHUNK_BYTES", 48 * 64 * 3 * 4)
    pictures = list(read_pictures(str(video), 11))
    assert numbers_in(np.stack(pictures)) == list(range(11))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"nowhere\.mp4"):
        predictor(DENSE).predict(tmp_path / "nowhere.mp4")


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (20, 7)])
def test_pictures_in_which_nobody_can_be_seen_are_refused(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png: expected .* found {size[0]} x {size[1]}: nob"):
        predictor(DENSE).predict(tmp_path / "a.png")


def test_frames_without_a_clock_need_a_rate():
    with pytest.raises(ValueError, match="9 frames without a clock"):
        predictor(DENSE).predict(ramp(9))


def test_an_impossible_rate_is_refused():
    with pytest.raises(ValueError, match="should be positive"):
        predictor(DENSE).predict(ramp(9), fps=-1.0)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'gesture'"):
        predictor(DENSE).predict(ramp(9), fps=5.0, tasks=["gestures"])


def test_a_task_of_another_form_is_refused():
    one = predictor(DENSE)
    one.saved.network.tasks["odd"] = SimpleNamespace(name="odd")
    with pytest.raises(ValueError, match="'odd' is neither of classes nor of places"):
        one.predict(ramp(9), fps=5.0)


@pytest.fixture(scope="session")
def saved_run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"))


def test_a_saved_network_predicts(saved_run, tmp_path, make_video):
    video = make_video(tmp_path / "a.mp4", 11)
    prediction = load(saved_run).predict(video)
    assert len(prediction) == 11
    assert set(prediction.classes) == {"action", "gesture", "both"}
    assert prediction.poses["pose"].joints.shape == (11, 17, 3)
    assert np.isfinite(prediction.poses["pose"].joints).all()
    for answer in prediction.classes.values():
        np.testing.assert_allclose(answer.scores.sum(axis=1), 1.0, rtol=1e-5)
    assert load(saved_run / "model").predict(video).to_json() == prediction.to_json()


def test_a_prediction_leaves_the_network_as_it_was(saved_run):
    one = load(saved_run)
    before = {name: value.clone() for name, value in one.saved.network.state_dict().items()}
    one.predict(np.random.default_rng(0).integers(0, 255, (6, 20, 20, 3), np.uint8), fps=5.0)
    for name, value in one.saved.network.state_dict().items():
        torch.testing.assert_close(value, before[name])


@pytest.mark.parametrize("name", ["missing", ""])
def test_a_folder_without_a_network_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"no such (folder|file)"):
        load(tmp_path / name)
