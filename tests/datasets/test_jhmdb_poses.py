"""The script that brings packed poses of JHMDB into shape, on them and on files of their form."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from onebody.data.sources import read_array

SCRIPT = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "jhmdb_poses.py"))


def _pack(folder, **changes):
    nf = np.array([3, 2, 4])
    values = {
        "pose": np.arange(9 * 30, dtype=np.float32).reshape(9, 15, 2),
        "nf": nf,
        "action": np.array([0, 1, 1]),
        "action_names": np.array(["catch", "wave"]),
        "split": np.array([[1, 1, 1], [1, 2, 1], [2, 1, 1]], np.int8),
    }
    np.savez(folder / "jhmdb_gt_pose.npz", **{**values, **changes})
    return folder


def test_clips_and_an_official_split(tmp_path):
    table = SCRIPT["prepare"](_pack(tmp_path), tmp_path / "out", 2)
    assert table.split.tolist() == ["train", "test", "train"]
    assert table.layout("skeleton") == "jhmdb-15"
    joints = read_array(str(table.media["skeleton"][1]))
    np.testing.assert_array_equal(joints.ravel(), np.arange(90, 150))


@pytest.mark.parametrize(
    ("changes", "official", "message"),
    [
        ({"nf": np.array([3, 2, 5])}, None, "expected 10 frames"),
        ({"pose": np.full((9, 15, 2), np.nan, np.float32)}, None, "9 of them with gaps"),
        ({"split": np.zeros((3, 3), np.int8)}, 2, "expected 1 or 2, found 0"),
    ],
)
def test_contradictions_are_refused(tmp_path, changes, official, message):
    with pytest.raises(ValueError, match=message):
        SCRIPT["prepare"](_pack(tmp_path, **changes), tmp_path / "out", official)


def test_real_poses(shared, tmp_path):
    table = SCRIPT["prepare"](shared / "data" / "jhmdb_gt_pose", tmp_path)
    assert len(table) == 433
    labels = table.columns["action"].values
    assert np.bincount(labels).tolist() == [34, 31, 30, 27, 28, 39, 39, 30, 29, 27, 25, 35, 29, 30]
    folds = np.unique(table.split, return_inverse=True)[1]
    assert np.bincount(folds).tolist() == [87, 87, 87, 86, 86]
    each = np.array([np.bincount(labels[folds == fold], minlength=14) for fold in range(5)])
    assert (each.max(0) - each.min(0) <= 1).all()  # stratified
    joints = np.concatenate([read_array(str(x)) for x in table.media["skeleton"]])
    assert joints.shape == (15208, 15, 2)
    assert np.median(joints[:, 2, 1]) < np.median(joints[:, 14, 1])  # heads above ankles: y down
