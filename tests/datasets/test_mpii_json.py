"""MPII as JSON lists: real records, and lists written here."""

import json
import warnings

import numpy as np
import pytest
from damage import damaged
from hypothesis import HealthCheck, given, settings
from PIL import Image

from onebody.data import InputSpec, make_batch
from onebody.data.sources import read_array
from onebody.datasets.mpii import MpiiConfig, read_mpii
from onebody.datasets.mpii_json import head_file, person_box

GOOD = {
    "image": "a.jpg",
    "center": [101.0, 61.0],
    "scale": 0.4,
    "joints": [[11.0 + k, 21.0 + k] for k in range(15)] + [[-1.0, -1.0]],
    "joints_vis": [1] * 15 + [0],
}


def write(folder, lists):
    """Write lists and their pictures as HRNet's layout has them."""
    (folder / "annot").mkdir(exist_ok=True)
    (folder / "images").mkdir(exist_ok=True)
    for name in "ab":
        Image.new("RGB", (200, 120)).save(folder / "images" / f"{name}.jpg")
    for name, records in lists.items():
        (folder / "annot" / f"{name}.json").write_text(json.dumps(records))
    return folder


def read(folder, **given):
    return read_mpii(MpiiConfig(folder=folder, **given))


def test_lists_of_all_splits(tmp_path):
    other = {**GOOD, "center": [50.0, 60.0]}
    bare = {key: GOOD[key] for key in ("image", "scale")} | {"center": [7.0, 8.0]}
    table = read(
        write(
            tmp_path,
            {"train": [GOOD, other], "valid": [{**GOOD, "image": "b.jpg"}], "test": [bare]},
        )
    )
    assert table.split.tolist() == ["train", "train", "validation", "test"]
    assert table.group.tolist() == ["a.jpg", "a.jpg", "b.jpg", "a.jpg"]
    assert table.row_names.tolist() == [
        "train.json:0",
        "train.json:1",
        "valid.json:0",
        "test.json:0",
    ]
    assert table.labeled("pose2d").tolist() == [True, True, True, False]
    joints = read_array(str(table.columns["pose2d"].sources[0]))[0]
    np.testing.assert_allclose(joints[2], [12.5, 22.5, 1])
    assert np.isnan(joints[15]).all()
    np.testing.assert_allclose(table.box[0], person_box(101, 61, 0.4), rtol=1e-6)
    np.testing.assert_allclose(table.box[0], [60.5, 26.5, 140.5, 106.5], rtol=1e-6)
    assert np.isnan(table.head_px).all()


def test_people_left_out_are_counted(tmp_path):
    nowhere = {**GOOD, "center": [-1.0, -1.0]}
    unseen = {**GOOD, "joints_vis": [0] * 16}
    folder = write(tmp_path, {"train": [nowhere, GOOD, unseen]})
    with pytest.warns(UserWarning, match=r"1 people without a position.*; 1 people without an ann"):
        assert read(folder).row_names.tolist() == ["train.json:1"]
    with pytest.raises(ValueError, match=r"none that can be used \(1 people without a position"):
        read(write(tmp_path, {"train": [nowhere]}))


def test_lists_that_overlap(tmp_path):
    folder = write(tmp_path, {"train": [GOOD], "trainval": [GOOD]})
    files = tuple(folder / "annot" / f"{name}.json" for name in ("train", "trainval"))
    with pytest.raises(
        ValueError, match=r"trainval\.json: expected other people than in .*train\.json"
    ):
        read(folder, annotations=files)


def test_heads_beside_the_list(tmp_path):
    savemat = pytest.importorskip("scipy.io", reason="scipy reads .mat files").savemat
    records = [GOOD, {**GOOD, "center": [50.0, 60.0]}]
    folder = write(tmp_path, {"valid": records})
    file = folder / "annot" / "gt_valid.mat"
    boxes = np.zeros((2, 2, 2))
    boxes[:, :, 0] = [[10, 20], [40, 60]]  # corner, then x and y
    boxes[:, :, 1] = [[0, 0], [3, 4]]
    joints = np.array([record["joints"] for record in records]).transpose(1, 2, 0)
    savemat(file, {"headboxes_src": boxes, "pos_gt_src": joints})
    assert head_file(folder / "annot" / "valid.json") == file
    np.testing.assert_allclose(read(folder).head_px, [30, 3])
    savemat(file, {"headboxes_src": boxes, "pos_gt_src": joints + 20})
    with pytest.raises(ValueError, match=r"gt_valid\.mat: expected the joints of valid\.json"):
        read(folder)
    savemat(file, {"headboxes_src": boxes[:, :, :1], "pos_gt_src": joints})
    with pytest.raises(ValueError, match=r"of the 2 people of valid\.json"):
        read(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"center": [1.0]}, "record 0: expected 2 finite numbers as 'center'"),
        ({"scale": None}, "as 'scale'"),
        ({"joints": [[1.0, 2.0]]}, "expected 16 'joints', found 1. Is it"),
        ({"joints": "none"}, "expected 16 'joints', found 'none'. Is it"),
        ({"joints_vis": [2] * 16}, "'joints_vis' of 0 and 1"),
        ({"image": 3}, "a record with 'image'"),
    ],
)
def test_records_that_are_none(tmp_path, change, words):
    folder = write(tmp_path, {"train": [{**GOOD, **change}]})
    with pytest.raises(ValueError, match=r"train\.json") as caught:
        read(folder)
    assert words in str(caught.value)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records=damaged([GOOD, {**GOOD, "center": [5.0, 6.0]}]))
def test_damaged_lists_are_named(tmp_path_factory, tmp_path, records):
    folder = write(tmp_path, {"train": records})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # people may be left out
            table = read(folder, missing="drop", prepared=tmp_path_factory.mktemp("kept"))
    except ValueError as error:
        assert "train.json" in str(error)  # noqa: PT017
        return
    assert np.isfinite(table.box).all()


def test_what_is_no_mpii(tmp_path):
    with pytest.raises(ValueError, match="no MPII here"):
        read(tmp_path)
    folder = write(tmp_path, {"train": [GOOD]})
    with pytest.raises(ValueError, match=r"'people: single' needs the \.mat file"):
        read(folder, people="single")
    with pytest.raises(ValueError, match=r"one \.mat file or JSON lists"):
        read(folder, annotations=(folder / "annot" / "train.json", folder / "x.mat"))


def test_real_records(shared, tmp_path):
    folder = shared / "data" / "formats" / "mmpose" / "mpii"
    table = read(folder, annotations=(folder / "test_mpii.json",), prepared=tmp_path)
    assert len(table) == 5
    joints = read_array(str(table.columns["pose2d"].sources[0]))[0]
    np.testing.assert_allclose(joints[0], [803.5, 710.5, 1])
    batch = make_batch(table, np.arange(5), InputSpec(size=64, frames=1), [], augment=None)
    assert batch.inputs["rgb"].shape == (5, 3, 1, 64, 64)
    # all joints of these people lie within their enlarged boxes
    low, high = table.box[:, :2], table.box[:, 2:]
    for row in range(5):
        own = read_array(str(table.columns["pose2d"].sources[row]))[0]
        own = own[np.isfinite(own).all(1), :2]
        margin = 0.125 * (high[row] - low[row])
        assert ((own >= low[row] - margin) & (own <= high[row] + margin)).all()
