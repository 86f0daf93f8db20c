"""The check of tables that were not read from a manifest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from onebody.data import ClassColumn, JointsColumn, make_table
from onebody.datasets.check import check_table
from onebody.labels import symmetric


@pytest.fixture
def table(tmp_path):
    """Four clips of five pictures; two carry joints."""
    for clip in range(4):
        (tmp_path / str(clip)).mkdir()
        for number in range(1, 6):
            picture = Image.new("L", (20, 10), 40 * number)
            picture.save(tmp_path / str(clip) / f"{number:05d}.png")
    joints = np.full((10, 15, 3), 5.5, np.float32)
    joints[..., 2] = 1
    np.save(tmp_path / "joints.npy", joints)
    places = [f"{tmp_path}/joints.npy#0:5", f"{tmp_path}/joints.npy#5:10", "", ""]
    return make_table(
        "made",
        {"rgb": [f"{tmp_path}/{clip}/%05d.png" for clip in range(4)]},
        columns={
            "action": ClassColumn(
                values=np.array([0, 0, 1, 1]), space=symmetric("made", ("walk", "sit"))
            ),
            "pose": JointsColumn(sources=np.array(places), skeleton="jhmdb-15", unit="px"),
        },
        fps=[10.0] * 4,
        group=["a", "b", "c", "d"],
        split=["train", "train", "train", "test"],
        row_names=[f"list.txt:{i}" for i in range(1, 5)],
    )


def test_a_good_table(table):
    report = check_table(table, deep=True)
    assert [str(defect) for defect in report.defects] == []
    assert (report.file, report.rows, report.usable, report.frames) == ("made", 4, 4, 20)
    assert report.labels == {"action": 4, "pose": 2}


def test_defects_name_rows_as_the_table_does(table, tmp_path):
    (tmp_path / "2" / "00003.png").unlink()
    table = replace(table, group=np.array(["a", "b", "c", "a"]))
    table = replace(table, end_s=np.array([np.nan, 0.3, np.nan, np.nan]))
    report = check_table(table)
    errors = [str(defect) for defect in report.errors]
    assert len(errors) == 2
    assert errors[0].startswith("made: list.txt:2: column 'pose': expected float [3 frames, 15")
    assert errors[1].startswith(
        "made: list.txt:3: column 'rgb': expected pictures 1 to 5, found no"
    )
    (warning,) = report.warnings
    assert "'a' in 'train' (list.txt:1) and in 'test'" in str(warning)
    assert report.usable == 2


def test_repeats_and_rare_classes(table):
    table = table.select(np.array([0, 0, 2]))
    report = check_table(table)
    assert ["the same sample as list.txt:1" in str(d) for d in report.errors] == [True]
    assert "made: list.txt:3: column 'action': expected two samples" in str(report.warnings[0])


def test_imported_skeletons_and_their_confidence(tmp_path):
    joints, scores = np.ones((2, 3, 17, 2), np.float32), np.ones((2, 3, 17), np.float32)
    joints[1], scores[1] = np.nan, np.nan
    names = ("seen", "unseen", "flat")
    for place, name in enumerate(names[:2]):
        np.savez(tmp_path / f"{name}.npz", joints=joints[place], scores=scores[place])
    np.savez(tmp_path / "flat.npz", joints=joints[0], scores=scores[0].ravel())
    table = make_table(
        "poses",
        {
            "skeleton": [f"{tmp_path}/{name}.npz#joints" for name in names],
            "confidence": [f"{tmp_path}/{name}.npz#scores" for name in names],
        },
        layouts={"skeleton": "coco-17"},
        row_names=list(names),
    )
    report = check_table(table)
    (error,), (warning,) = report.errors, report.warnings
    assert "flat: column 'confidence': expected numbers [T, J], found float32 [51]" in str(error)
    assert "unseen: column 'skeleton': expected a joint that is seen, found none" in str(warning)
    assert report.usable == 2
