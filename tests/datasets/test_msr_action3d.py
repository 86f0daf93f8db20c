"""MSR Action3D: synthetic files in the official layout, damaged ones, and the real recordings."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from onebody.data.sources import read_array
from onebody.datasets.msr_action3d import (
    CLASSES,
    GESTURES,
    JOINT_ORDER,
    LIST_2012,
    SUBSETS,
    MsrAction3dConfig,
    read_msr_action3d,
    read_text,
)
from onebody.skeletons import get_skeleton

KINECT = get_skeleton("kinect-20")


def body(frames, *, width=0.34):
    """Make ``[T, 20, 3]`` kinect-20 joints: joint j stands at height j / 100 m."""
    joints = np.zeros((frames, 20, 3))
    joints[..., 1] = np.arange(20) / 100
    joints[..., 2] = 2.5
    joints[:, KINECT.index("l_shoulder"), 0] = -width / 2
    joints[:, KINECT.index("r_shoulder"), 0] = width / 2
    return joints


def write_recording(folder, key, joints):
    """Write joints in the official order."""
    folder.mkdir(parents=True, exist_ok=True)
    official = np.zeros_like(joints)
    official[:, list(JOINT_ORDER)] = joints
    lines = [f"{x:.6e} {y:.6e} {z:.6e} 1.0" for x, y, z in official.reshape(-1, 3)]
    (folder / f"{key}_skeleton3D.txt").write_text("\r\n".join(lines) + "\r\n")


@pytest.fixture
def official(tmp_path):
    folder = tmp_path / "official"
    gap = body(5)
    gap[2] = 0
    write_recording(folder, "a01_s01_e01", body(4))
    write_recording(folder, "a08_s03_e02", gap)
    write_recording(folder, "a20_s10_e03", body(3))
    return folder


def test_every_class_is_an_action_or_a_gesture(official):
    table = read_msr_action3d(MsrAction3dConfig(folder=official))
    assert table.row_names.tolist() == ["a01_s01_e01", "a08_s03_e02", "a20_s10_e03"]
    assert table.subject.tolist() == ["1", "3", "10"]
    assert table.group.tolist() == table.row_names.tolist()
    assert table.split.tolist() == ["", "", ""]
    assert table.fps.tolist() == [15.0] * 3
    assert list(table.columns) == ["action", "gesture", "class", "kind"]
    assert table.layouts == {"skeleton": "kinect-20"}
    assert table.labeled("action").tolist() == [False, False, True]
    assert table.labeled("gesture").tolist() == [True, True, False]
    assert table.columns["class"].values.tolist() == [0, 7, 19]
    kind = table.columns["kind"]
    gestures = table.columns["gesture"].values != -1
    assert [kind.space.classes[k] == "gesture" for k in kind.values] == gestures.tolist()
    gesture, action = table.columns["gesture"], table.columns["action"]
    assert gesture.space.classes == tuple(CLASSES[i - 1] for i in GESTURES)
    assert len(action.space) == 12
    assert action.space.classes[action.values[2]] == "pickup throw"
    assert gesture.space.classes[gesture.values[1]] == "draw tick"


def test_only_a_tick_has_no_mirror_image(official):
    space = read_msr_action3d(MsrAction3dConfig(folder=official)).columns["class"].space
    assert {c: m for c, m in space.mirror.items() if c != m} == {"draw tick": None}
    assert "draw x" in space.classes


def test_joints_come_in_the_house_order_in_mm_with_y_down(official):
    table = read_msr_action3d(MsrAction3dConfig(folder=official))
    joints = read_array(str(table.media["skeleton"][0]))
    assert joints.shape == (4, 20, 3)
    np.testing.assert_allclose(joints[0, :, 1], -10.0 * np.arange(20), atol=1e-3)
    np.testing.assert_allclose(joints[..., 2], 2500)
    assert joints[0, KINECT.index("l_shoulder"), 0] == pytest.approx(-170)


def test_a_frame_without_a_body_is_missing(official):
    table = read_msr_action3d(MsrAction3dConfig(folder=official))
    joints = read_array(str(table.media["skeleton"][1]))
    assert np.isnan(joints).all((1, 2)).tolist() == [False, False, True, False, False]
    assert np.isfinite(joints[[0, 1, 3, 4]]).all()


def test_a_recording_without_any_body_is_left_out_and_named(official):
    write_recording(official, "a13_s09_e02", np.zeros((3, 20, 3)))
    with pytest.warns(UserWarning, match="a13_s09_e02: left out"):
        table = read_msr_action3d(MsrAction3dConfig(folder=official))
    assert "a13_s09_e02" not in table.row_names
    assert len(table) == 3


def test_the_prepared_folder_is_read_again_and_subjects_get_their_prefix(official):
    first = read_msr_action3d(MsrAction3dConfig(folder=official))
    prepared = MsrAction3dConfig(folder=official / "prepared", subject_prefix="msr-")
    second = read_msr_action3d(prepared)
    assert second.subject.tolist() == ["msr-1", "msr-3", "msr-10"]
    assert first.media["skeleton"].tolist() == second.media["skeleton"].tolist()


def test_a_subset_keeps_its_eight_classes_alone(official):
    table = read_msr_action3d(MsrAction3dConfig(folder=official, subset="AS2"))
    assert table.row_names.tolist() == ["a01_s01_e01", "a08_s03_e02"]
    whole, gesture = table.columns["class"], table.columns["gesture"]
    assert whole.space.classes == tuple(CLASSES[i - 1] for i in SUBSETS["AS2"])
    assert [whole.space.classes[v] for v in whole.values] == ["high arm wave", "draw tick"]
    assert [gesture.space.classes[v] for v in gesture.values] == ["high arm wave", "draw tick"]
    assert table.columns["action"].space.classes == ("hand catch", "side boxing", "forward kick")


def test_the_2012_protocol_needs_its_list(official):
    with pytest.raises(ValueError, match=f"expected {LIST_2012}"):
        read_msr_action3d(MsrAction3dConfig(folder=official, protocol="in_cvpr12"))


def test_the_2012_protocol_keeps_what_is_listed(official):
    (official / LIST_2012).write_text("a01_s01_e01\na20_s10_e03\n")
    table = read_msr_action3d(MsrAction3dConfig(folder=official, protocol="in_cvpr12"))
    assert table.row_names.tolist() == ["a01_s01_e01", "a20_s10_e03"]
    assert len(read_msr_action3d(MsrAction3dConfig(folder=official))) == 3


def test_joints_in_another_order_are_refused(official):
    swapped = body(3)
    swapped[..., 0] *= -1
    write_recording(official, "a02_s01_e01", swapped)
    with pytest.raises(ValueError, match=r"a02_s01_e01: expected the right shoulder .* -0\.34"):
        read_msr_action3d(MsrAction3dConfig(folder=official))


def test_other_units_are_refused(official):
    write_recording(official, "a02_s01_e01", body(3) * 1000)
    with pytest.raises(ValueError, match="another order or unit"):
        read_msr_action3d(MsrAction3dConfig(folder=official))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3 1\n" * 19, "expected 20 lines a frame, found 19"),
        ("", "expected 20 lines a frame, found 0"),
        ("1 2 3 1\n1 2 3\n", r":2: expected four numbers .* '1 2 3'"),
        ("1 2 x 1\n", ":1: expected four numbers"),
        ("1 2 nan 1\n" * 20, ":1: expected four numbers"),
        ("\xff\xfe\n" * 20, ":1: expected four numbers"),
    ],
)
def test_damaged_texts_are_named(tmp_path, text, message):
    file = tmp_path / "a01_s01_e01_skeleton3D.txt"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=message) as error:
        read_text(file)
    assert str(file) in str(error.value)


def test_wrong_names_and_empty_folders_are_refused(official, tmp_path):
    write_recording(official, "a21_s01_e01", body(1))
    with pytest.raises(ValueError, match=r"a21_s01_e01.*expected a01\.\.a20"):
        read_msr_action3d(MsrAction3dConfig(folder=official))
    with pytest.raises(ValueError, match="no MSR Action3D here"):
        read_msr_action3d(MsrAction3dConfig(folder=tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_real_recordings(shared, tmp_path):
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "msr_action3d.py"
    module = runpy.run_path(str(script))
    with pytest.warns(UserWarning, match="a13_s09_e02"):
        module["prepare"](module["packed_recordings"](shared / "data" / "msr_action3d"), tmp_path)
    table = read_msr_action3d(MsrAction3dConfig(folder=tmp_path, subject_prefix="msr-"))
    assert len(table) == 291
    assert sorted(set(table.subject)) == ["msr-1", "msr-3", "msr-5", "msr-7", "msr-9"]
    assert table.labeled("gesture").sum() + table.labeled("action").sum() == 291
    kept = read_msr_action3d(MsrAction3dConfig(folder=tmp_path, protocol="in_cvpr12"))
    assert len(kept) == 284
    joints = [read_array(str(source)) for source in table.media["skeleton"]]
    assert sum(np.isnan(j).any() for j in joints) == 5  # frames without a body
    heads = np.concatenate([j[:, 0, 1] for j in joints])
    feet = np.concatenate([j[:, 15, 1] for j in joints])
    assert 1400 < np.nanmedian(feet - heads) < 1700  # mm, y down
