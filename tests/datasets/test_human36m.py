"""Human3.6M: three forms, frames, rows and media. Files are written in the documented layouts."""

from __future__ import annotations

import av
import numpy as np
import pytest
from human36m_files import (
    in_camera,
    raw_cameras,
    world,
    write_h5,
    write_martinez,
    write_mmpose,
    write_pickle,
    write_videopose3d,
)
from PIL import Image

from onebody.data import InputSpec, make_batch
from onebody.data.sources import frame_span, probe, read_array, read_frames
from onebody.datasets.human36m import Human36mConfig, read_human36m
from onebody.datasets.human36m_recording import ACTIONS, CAMERAS, JOINTS
from onebody.evaluation import SplitConfig, split
from onebody.tasks import TASKS, build_tasks, resolve_tasks

DAMAGED = "S11 Directions is left out, its video is damaged \\(4 of 16"


def read(folder, **options):
    with pytest.warns(UserWarning, match=DAMAGED):
        return read_human36m(Human36mConfig(folder=folder, **options))


def joints(table, column, row):
    return np.asarray(read_array(str(table.columns[column].sources[row])))


@pytest.fixture
def mmpose(tmp_path):
    write_mmpose(tmp_path)
    return tmp_path


def write_images(
    folder, numbers, takes=("S1_Directions_1", "S1_WalkingDog", "S9_TakingPhoto_2"), side=1000
):
    for number in numbers:
        Image.new("RGB", (side, side), (number,) * 3).save(folder / f"{number}.jpg")
    for take in takes:
        for camera in CAMERAS:
            stem = f"{take}.{camera}"
            place = folder / "images" / take.partition("_")[0] / stem
            place.mkdir(parents=True)
            for number in numbers:
                (place / f"{stem}_{number:06d}.jpg").symlink_to(folder / f"{number}.jpg")


def write_video(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=50)
        stream.width, stream.height, stream.pix_fmt = 1000, 1002, "yuv420p"
        for _ in range(frames):
            frame = av.VideoFrame.from_ndarray(np.zeros((1002, 1000, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_pictures_of_another_size_are_refused(mmpose):
    write_images(mmpose, range(1, 12), side=256)
    with (
        pytest.warns(UserWarning, match=DAMAGED),
        pytest.raises(ValueError, match=r"1000 x 1000 \(or 1002\) pixels.*found 256 x 256"),
    ):
        read_human36m(Human36mConfig(folder=mmpose))


def test_a_row_per_recording_and_camera(mmpose):
    table = read(mmpose)
    assert len(table) == 12
    assert table.row_names[0] == "S1 Directions 1.54138969"
    assert table.row_names[-1] == "S9 Photo 2.60457274"
    assert sorted(set(zip(table.subject.tolist(), table.split.tolist(), strict=True))) == [
        ("S1", "train"),
        ("S9", "test"),
    ]
    assert table.camera[:4].tolist() == list(CAMERAS)
    assert len(set(table.group.tolist())) == 3
    action = table.columns["action"]
    assert action.space.classes == ACTIONS
    assert {ACTIONS[i] for i in action.values} == {"Directions", "WalkDog", "Photo"}
    assert table.fps.tolist() == [50.0] * 12
    split(table, SplitConfig(own_split=True, validation_share=0.4))


def test_joints_are_mm_before_the_camera_and_pixels(mmpose):
    table, camera = read(mmpose), raw_cameras()["S1", CAMERAS[2]]
    row = table.row_names.tolist().index(f"S1 WalkDog.{CAMERAS[2]}")
    expected = 1000 * in_camera(world(11, 1)[:, JOINTS], camera)
    found = joints(table, "pose3d", row)
    np.testing.assert_allclose(found[..., :3], expected, atol=1e-3)
    assert (found[..., 3] == 1).all()
    assert table.depth_ref_mm[row] == pytest.approx(expected[:, 0, 2].mean(), abs=1e-3)
    np.testing.assert_allclose(table.camera_matrix[row], [1145.0, 1143.8, 512.5, 515.5])
    pinhole = expected[..., :2] / expected[..., 2:] * [1145.0, 1143.8] + [512.5, 515.5]
    away = np.linalg.norm(joints(table, "pose2d", row)[..., :2] - pinhole, axis=-1)
    assert 0.01 < away.max() < 20  # the distortion


def test_all_forms_say_the_same(tmp_path):
    pytest.importorskip("h5py")
    cameras = raw_cameras()
    positions = {"S1": {"Directions 1": world(11, 0), "WalkDog": world(11, 1)}}
    tables = {}
    write_mmpose(tmp_path / "mmpose")
    tables["mmpose"] = read(tmp_path / "mmpose")
    for form, write in (("videopose3d", write_videopose3d), ("martinez", write_martinez)):
        folder = tmp_path / form
        folder.mkdir()
        write(folder, positions)
        write_pickle(folder, cameras) if form == "martinez" else write_h5(
            folder / "cameras.h5", cameras
        )
        tables[form] = read_human36m(Human36mConfig(folder=folder))
    for form in ("videopose3d", "martinez"):
        names = tables[form].row_names.tolist()
        assert sorted(names) == sorted(tables["mmpose"].row_names.tolist()[:8])
        for row, name in enumerate(names):
            other = tables["mmpose"].row_names.tolist().index(name)
            for column in ("pose2d", "pose3d"):
                np.testing.assert_allclose(
                    joints(tables[form], column, row),
                    joints(tables["mmpose"], column, other),
                    atol=2e-3,
                )


def test_poses_alone_are_media(mmpose):
    table = read(mmpose)
    assert dict(table.layouts) == {"skeleton": "h36m-17", "skeleton/2d": "h36m-17"}
    for name, column in (("skeleton", "pose3d"), ("skeleton/2d", "pose2d")):
        medium = np.asarray(read_array(str(table.media[name][5])))
        np.testing.assert_array_equal(medium, joints(table, column, 5)[..., :-1])
    tasks = build_tasks(
        resolve_tasks({"action": TASKS["classification"].config(name="action")}, [table])
    )
    spec = InputSpec(modality="skeleton/2d", skeleton="coco-17", dims=2, frames=4)
    batch = make_batch(table, [0, 7], spec, [tasks["action"].target_spec(table)], augment=None)
    assert batch.inputs["skeleton/2d"].shape == (2, 4, 17, 2)


def test_every_and_frames_choose_frames(mmpose):
    table = read(mmpose, every=4, frames=1)
    assert len(table) == 12 * 3
    assert table.row_names[:3].tolist() == [f"S1 Directions 1.{CAMERAS[0]}#{n}" for n in (1, 5, 9)]
    whole = read(mmpose)
    for k, frame in enumerate((0, 4, 8)):
        np.testing.assert_array_equal(
            joints(table, "pose3d", k)[0], joints(whole, "pose3d", 0)[frame]
        )
        assert table.depth_ref_mm[k] == joints(table, "pose3d", k)[0, 0, 2]
    cut = read(mmpose, frames=4)
    assert [len(joints(cut, "pose2d", row)) for row in range(3)] == [4, 4, 3]
    assert read(mmpose, every=4).fps.tolist() == [12.5] * 12


def test_boxes_are_windows_around_the_true_roots(mmpose):
    for frames in (1, None):
        table = read(mmpose, frames=frames)
        flat, deep = joints(table, "pose2d", 5)[:, 0, :2], joints(table, "pose3d", 5)[:, 0, 2]
        side = 1.25 * np.abs(table.box[5, 2:] - table.box[5, :2])
        drift = np.ptp(flat, axis=0)
        np.testing.assert_allclose(side - 1.25 * drift, 2250 * 1145 / deep.mean(), rtol=2e-3)
        np.testing.assert_allclose(table.box[5, :2] + table.box[5, 2:], 2 * flat.mean(0), rtol=2e-3)


def test_pictures_beside_joints(mmpose):
    write_images(mmpose, range(1, 12))
    table = read(mmpose, every=5)
    assert list(table.media) == ["rgb"]
    source = str(table.media["rgb"][0])
    assert read_frames(source, np.arange(3))[:, 0, 0, 0].tolist() == [1, 6, 11]
    assert joints(table, "pose2d", 0).shape == (3, 17, 3)
    stills = read(mmpose, every=5, frames=1)
    assert read_frames(str(stills.media["rgb"][1]), np.arange(1))[0, 0, 0, 0] == 6
    configs = {name: TASKS[name].config(name=name) for name in ("pose2d", "pose3d")} | {
        "action": TASKS["classification"].config(name="action")
    }
    tasks = build_tasks(resolve_tasks(configs, [stills]))
    specs = [task.target_spec(stills) for task in tasks.values()]
    batch = make_batch(stills, [0, 9], InputSpec(size=16, frames=1), specs, augment=None)
    root = batch.targets["pose3d"].value[:, 0, 0, 2]
    assert batch.inputs["rgb"].shape == (2, 3, 1, 16, 16)
    np.testing.assert_allclose(root.numpy(), 0.5, atol=1e-6)


def test_missing_pictures_are_refused_or_counted(mmpose):
    write_images(mmpose, range(1, 12))
    (mmpose / "images/S1/S1_WalkingDog.55011271/S1_WalkingDog.55011271_000006.jpg").unlink()
    with (
        pytest.warns(UserWarning, match=DAMAGED),
        pytest.raises(ValueError, match=r"S1 WalkDog\.55011271 from frame 1 on.*1 of 12 rows"),
    ):
        read_human36m(Human36mConfig(folder=mmpose))
    with pytest.warns(UserWarning, match="1 of 12 rows lack pictures"):
        assert len(read(mmpose, missing="drop")) == 11
    with pytest.warns(UserWarning, match="1 of 36 rows lack pictures"):
        assert len(read(mmpose, missing="drop", every=5, frames=1)) == 35


def test_spans_of_videos(mmpose):
    one = write_video(mmpose / "one.mp4", 9)
    for take in ("S1 Directions 1", "S1 WalkingDog", "S9 TakingPhoto 2", "S11 Directions"):
        subject, _, rest = take.partition(" ")
        (mmpose / subject / "Videos").mkdir(parents=True, exist_ok=True)
        for camera in CAMERAS:
            (mmpose / subject / "Videos" / f"{rest}.{camera}.mp4").symlink_to(one)
    (mmpose / "S1" / "Videos" / "_ALL.54138969.mp4").symlink_to(one)
    with pytest.warns(UserWarning, match="24 frames after the end of their videos"):
        table = read(mmpose)
    source = str(table.media["rgb"][0])
    span = frame_span(source, table.start_s[0], table.end_s[0], fps=table.fps[0])
    assert span == (0, probe(source).num_frames) == (0, len(joints(table, "pose3d", 0)))
    stills = read(mmpose, every=4, frames=1)
    spans = [
        frame_span(
            str(stills.media["rgb"][r]), stills.start_s[r], stills.end_s[r], fps=stills.fps[r]
        )
        for r in range(3)
    ]
    assert spans == [(0, 1), (4, 5), (8, 9)]
    with pytest.warns(UserWarning, match="12 frames after the end of their videos"):
        assert len(read(mmpose, every=10, frames=1)) == 12  # frame 10 of nine
    with (
        pytest.warns(UserWarning, match=DAMAGED),
        pytest.raises(ValueError, match="a video shows every frame"),
    ):
        read_human36m(Human36mConfig(folder=mmpose, every=4))


def test_videos_that_end_before_most_rows(tmp_path):
    write_pickle(tmp_path, raw_cameras())
    write_videopose3d(tmp_path, {"S1": {"Walking": world(8)}})
    one = write_video(tmp_path / "one.mp4", 1)
    (tmp_path / "S1" / "Videos").mkdir(parents=True)
    for camera in CAMERAS:
        (tmp_path / "S1" / "Videos" / f"Walking.{camera}.mp4").symlink_to(one)
    with pytest.warns(UserWarning, match="28 frames after the end"):
        assert len(read_human36m(Human36mConfig(folder=tmp_path, frames=1))) == 4


def test_ten_frames_a_second_hold_no_others(tmp_path):
    write_mmpose(tmp_path, numbers=range(1, 42, 5), rate=10)
    assert read(tmp_path).fps.tolist() == [10.0] * 12
    assert len(joints(read(tmp_path, every=10), "pose3d", 0)) == 5
    with pytest.raises(ValueError, match="the files hold fewer frames"):
        read_human36m(Human36mConfig(folder=tmp_path, every=4))


def test_frames_without_a_common_distance_are_stills_at_best(mmpose):
    file = mmpose / "annotation_body3d/fps50/h36m_train.npz"
    arrays = dict(np.load(file))
    keep = [i for i, name in enumerate(arrays["imgname"]) if name[-6:-4] not in ("06", "07")]
    np.savez(file, **{name: values[keep] for name, values in arrays.items()})
    with (
        pytest.warns(UserWarning, match=DAMAGED),
        pytest.raises(ValueError, match="expected frames at equal distances, found 1 to 3"),
    ):
        read_human36m(Human36mConfig(folder=mmpose))
    assert len(read(mmpose, frames=1)) == 8 * 9 + 4 * 11


def test_what_is_prepared_is_read_again_until_the_files_change(mmpose):
    first = read(mmpose)
    stamp = {p: p.stat().st_mtime_ns for p in (mmpose / "prepared").rglob("*.npy")}
    assert read(mmpose, subject_prefix="h36m-").subject[0] == "h36m-S1"
    assert stamp == {p: p.stat().st_mtime_ns for p in (mmpose / "prepared").rglob("*.npy")}
    file = mmpose / "annotation_body3d/fps50/h36m_train.npz"
    np.savez_compressed(file, **dict(np.load(file)))
    again = read(mmpose)
    assert str(again.media["skeleton"][0]) != str(first.media["skeleton"][0])


def test_folders_without_a_form_say_which_are_read(tmp_path):
    with pytest.raises(ValueError, match=r"no Human3\.6M here.*MMPose.*VideoPose3D.*Martinez"):
        read_human36m(Human36mConfig(folder=tmp_path))
    official = tmp_path / "S1" / "MyPoseFeatures" / "D3_Positions"
    official.mkdir(parents=True)
    (official / "Directions 1.cdf").write_bytes(b"CDF")
    with pytest.raises(ValueError, match=r"official 'Directions 1\.cdf' is not read: convert it"):
        read_human36m(Human36mConfig(folder=tmp_path))
    write_videopose3d(tmp_path, {"S1": {"Directions": world(2)}})
    with pytest.raises(ValueError, match=r"expected the cameras .*cameras\.pkl.*cameras\.h5"):
        read_human36m(Human36mConfig(folder=tmp_path))
    write_mmpose(tmp_path)
    with pytest.raises(ValueError, match="expected one form, found mmpose, videopose3d"):
        read_human36m(Human36mConfig(folder=tmp_path))
    assert len(read_human36m(Human36mConfig(folder=tmp_path, form="videopose3d"))) == 4


def test_only_the_damaged_recording(tmp_path):
    write_pickle(tmp_path, raw_cameras())
    write_videopose3d(tmp_path, {"S11": {"Directions": world(2)}})
    with (
        pytest.warns(UserWarning, match="is left out"),
        pytest.raises(ValueError, match="expected recordings besides S11 Directions"),
    ):
        read_human36m(Human36mConfig(folder=tmp_path))


def test_a_real_sample(shared, tmp_path):
    sample = shared / "data" / "formats" / "mmpose" / "h36m"
    root = tmp_path / "annotation_body3d"
    (root / "fps50").mkdir(parents=True)
    (root / "cameras.pkl").symlink_to(sample / "cameras.pkl")
    (root / "fps50" / "h36m_train.npz").symlink_to(sample / "test_h36m_body3d.npz")
    table = read_human36m(Human36mConfig(folder=tmp_path, images=sample))
    assert table.row_names.tolist() == [
        "S1 Directions 1.54138969",
        "S5 SittingDown.54138969",
        "S7 Greeting.55011271",
        "S8 WalkDog 1.55011271",
    ]
    truth = np.load(sample / "test_h36m_body3d.npz")
    for row in range(4):
        np.testing.assert_allclose(
            joints(table, "pose3d", row)[0, :, :3], 1000 * truth["S"][row, :, :3], atol=1e-3
        )
        np.testing.assert_allclose(
            joints(table, "pose2d", row)[0, :, :2], truth["part"][row, :, :2], atol=1e-4
        )
        assert read_frames(str(table.media["rgb"][row]), np.arange(1)).shape[2] == 1000
