"""UTD-MHAD: synthetic files in the official layout, damaged ones, and the real samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onebody.data import make_batch
from onebody.data.sources import read_array, read_frames
from onebody.data.spec import InputSpec
from onebody.data.store import save_table
from onebody.datasets.utd_mhad import (
    CLASSES,
    DEPTH_LAG,
    FOCAL_PX,
    GESTURES,
    UtdMhadConfig,
    grey_depth,
    read_utd_mhad,
)
from onebody.tasks import TASKS, build_tasks, resolve_tasks

savemat = pytest.importorskip("scipy.io", reason="scipy reads .mat files").savemat

FRAMES = 6
Z_MM = 2500


def write_clip(folder, key, *, frames=FRAMES, skeleton_frames=None, depth=None):
    """Write one recording: a block at one distance whose joints walk one pixel a frame."""
    for name in ("Depth", "Skeleton", "Inertial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if depth is None:
        depth = np.zeros((240, 320, frames), np.uint16)
        depth[80:160, 120:200] = Z_MM
    skeleton = np.zeros((20, 3, skeleton_frames or frames))
    skeleton[:, 2] = Z_MM / 1000
    skeleton[:, 0] = np.arange(skeleton.shape[2]) * Z_MM / 1000 / FOCAL_PX  # one pixel a frame
    skeleton[:, 1] = 0.1  # above the optical axis: the official frame has y up
    savemat(folder / "Depth" / f"{key}_depth.mat", {"d_depth": depth})
    savemat(folder / "Skeleton" / f"{key}_skeleton.mat", {"d_skel": skeleton})
    savemat(folder / "Inertial" / f"{key}_inertial.mat", {"d_iner": np.ones((11, 6))})


@pytest.fixture
def official(tmp_path):
    folder = tmp_path / "official"
    write_clip(folder, "a1_s2_t1")
    write_clip(folder, "a27_s5_t3")
    return folder


def test_labels_subjects_and_what_is_an_action(official):
    table = read_utd_mhad(UtdMhadConfig(folder=official))
    assert table.row_names.tolist() == ["a1_s2_t1", "a27_s5_t3"]
    assert table.subject.tolist() == ["2", "5"]
    action, gesture = table.columns["action"], table.columns["gesture"]
    assert len(action.space) == 16
    assert len(gesture.space) == 11 == len(GESTURES)
    assert table.labeled("action").tolist() == [False, True]
    assert table.labeled("gesture").tolist() == [True, False]
    assert action.space.classes[action.values[1]] == "squat" == CLASSES[26]
    assert gesture.space.classes[gesture.values[0]] == "swipe_left"
    assert gesture.space.mirror["swipe_left"] == "swipe_right"


def test_every_clip_has_a_class_and_subjects_may_get_a_prefix(official):
    table = read_utd_mhad(UtdMhadConfig(folder=official, subject_prefix="utd-"))
    assert table.subject.tolist() == ["utd-2", "utd-5"]
    column = table.columns["class"]
    assert column.space.classes == CLASSES
    assert column.values.tolist() == [0, 26]
    assert column.space.mirror["draw_circle_cw"] == "draw_circle_ccw"


def test_a_folder_prepared_without_the_column_class_gets_it(official):
    table = read_utd_mhad(UtdMhadConfig(folder=official))
    fewer = {name: column for name, column in table.columns.items() if name != "class"}
    save_table(replace(table, columns=fewer), official / "prepared")
    again = read_utd_mhad(UtdMhadConfig(folder=official / "prepared"))
    assert again.columns["class"].values.tolist() == [0, 26]
    assert again.columns["action"].values.tolist() == table.columns["action"].values.tolist()


def test_joints_are_projected_and_paired_with_the_lagging_depth(official):
    table = read_utd_mhad(UtdMhadConfig(folder=official, size=80))
    fx, fy, cx, cy = table.camera_matrix[0]
    mm = read_array(str(table.columns["pose3d"].sources[0]))
    px = read_array(str(table.columns["pose2d"].sources[0]))
    assert mm.shape == (FRAMES, 20, 4)
    np.testing.assert_allclose(mm[..., 1], -100, rtol=1e-5)  # y points down here
    # x moves one source pixel a frame, two frames late
    walked = np.clip(np.arange(FRAMES) - DEPTH_LAG, 0, None)
    np.testing.assert_allclose(mm[:, 0, 0] * FOCAL_PX / Z_MM, walked, atol=1e-3)
    np.testing.assert_allclose(px[..., 0], fx * mm[..., 0] / mm[..., 2] + cx, rtol=1e-5)
    np.testing.assert_allclose(px[..., 1], fy * mm[..., 1] / mm[..., 2] + cy, rtol=1e-5)
    # the body block is 80 px wide, and everything else is margin of 7 %
    grey = read_frames(str(table.media["depth"][0]), np.array([0]), channels=1)[0, ..., 0]
    assert grey.shape == (80, 80)
    assert fx == pytest.approx(FOCAL_PX * 80 / 86)
    inside = grey[px[0, 0, 1].astype(int), px[0, 0, 0].astype(int)]
    assert inside == 136  # the median distance


def test_grey_codes_distance():
    depth = np.zeros((1, 40, 40), np.uint16)
    depth[0, 10:30, 10:30] = 2000
    depth[0, 10:14, 10:30] = 2000 - 900  # 119 brighter
    depth[0, 14:16, 10:30] = 9000  # far behind: never darker than 17
    pictures, (x0, y0, side), reference = grey_depth(depth, 21, "clip")
    assert reference == 2000
    assert (x0, y0, side) == (9, 9, 21)
    assert {136, 255, 17, 0} <= set(np.unique(pictures).tolist())


def test_the_prepared_folder_is_read_again_without_the_official_files(official):
    first = read_utd_mhad(UtdMhadConfig(folder=official))
    second = read_utd_mhad(UtdMhadConfig(folder=official / "prepared"))
    assert first.row_names.tolist() == second.row_names.tolist()
    np.testing.assert_array_equal(first.camera_matrix, second.camera_matrix)
    assert read_frames(str(second.media["depth"][1]), np.arange(FRAMES)).shape[0] == FRAMES


def test_silhouettes_are_added_to_a_folder_that_lacks_them(official):
    prepared = official / "prepared"
    assert "silhouette" not in read_utd_mhad(UtdMhadConfig(folder=official)).media
    table = read_utd_mhad(UtdMhadConfig(folder=official, silhouettes=True))
    kept = read_utd_mhad(UtdMhadConfig(folder=prepared))
    assert kept.media["silhouette"].tolist() == table.media["silhouette"].tolist()
    assert table.media["silhouette"][1].endswith(f"#{FRAMES}:{2 * FRAMES}")
    for row in range(2):
        body, depth = (
            read_frames(str(table.media[name][row]), np.arange(FRAMES), channels=1)
            for name in ("silhouette", "depth")
        )
        np.testing.assert_array_equal(body, np.where(depth > 8, 255, 0))
        assert 0.5 < body.mean() / 255 < 1


def test_a_batch_carries_action_or_gesture_never_both(official):
    table = read_utd_mhad(UtdMhadConfig(folder=official))
    kinds = {
        "action": "classification",
        "gesture": "classification",
        "pose2d": "pose2d",
        "pose3d": "pose3d",
    }
    configs = {name: TASKS[kind].config(name=name) for name, kind in kinds.items()}
    tasks = build_tasks(resolve_tasks(configs, [table]))
    batch = make_batch(
        table,
        np.arange(2),
        InputSpec(modality="depth", frames=4),
        [task.target_spec(table) for task in tasks.values()],
        augment=None,
    )
    both = batch.targets["action"].present & batch.targets["gesture"].present
    either = batch.targets["action"].present | batch.targets["gesture"].present
    assert not both.any()
    assert either.all()
    assert batch.targets["pose3d"].mask.all()
    z = batch.targets["pose3d"].value[..., 2]
    assert float((z - 0.5).abs().max()) < 1e-5  # all joints lie at the reference distance


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: write_clip(f, "a3_s1_t1", skeleton_frames=FRAMES + 1), "a3_s1_t1: the skeleton"),
        (lambda f: (f / "Skeleton" / "a1_s2_t1_skeleton.mat").unlink(), "skeleton.mat: missing"),
        (lambda f: (f / "Depth" / "a1_s2_t1_depth.mat").write_bytes(b"x"), "not a readable .mat"),
        (lambda f: (f / "Depth" / "a99_s2_t1_depth.mat").write_bytes(b"x"), "a1..a27"),
        (
            lambda f: write_clip(f, "a2_s1_t1", depth=np.zeros((240, 320, FRAMES), np.uint16)),
            "no body in any frame",
        ),
        (
            lambda f: savemat(f / "Inertial" / "a1_s2_t1_inertial.mat", {"other": np.ones(3)}),
            "expected a variable 'd_iner'",
        ),
    ],
)
def test_damage_is_named(official, damage, message):
    damage(official)
    with pytest.raises(ValueError, match=message.replace(".", r"\.").replace("..", "..")):
        read_utd_mhad(UtdMhadConfig(folder=official))


def test_the_inertial_sensor_has_a_clock_of_its_own(official):
    for _ in range(2):  # read, then prepared
        table = read_utd_mhad(UtdMhadConfig(folder=official))
        assert set(table.rate("imu").tolist()) == {50.0}
        assert set(table.rate("skeleton").tolist()) == {30.0}


def test_a_folder_without_the_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no UTD-MHAD here"):
        read_utd_mhad(UtdMhadConfig(folder=tmp_path))


def test_real_samples(shared, tmp_path):
    folder = shared / "data" / "formats" / "utd_mhad"
    table = read_utd_mhad(UtdMhadConfig(folder=folder, prepared=tmp_path / "prepared"))
    assert sorted(table.row_names.tolist()) == ["a1_s1_t1", "a22_s3_t1"]
    for row in range(2):
        px = read_array(str(table.columns["pose2d"].sources[row]))
        grey = read_frames(str(table.media["depth"][row]), np.arange(len(px)), channels=1)[..., 0]
        x, y = (np.clip(px[..., i].astype(int), 0, 111) for i in (0, 1))
        on_body = grey[np.arange(len(px))[:, None], y, x] > 0
        assert on_body.mean() > 0.85  # joints lie on the body
