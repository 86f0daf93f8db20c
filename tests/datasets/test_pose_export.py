"""Skeletons in pyskl's form, there and back."""

from __future__ import annotations

import pickle
import pickletools
from dataclasses import replace

import numpy as np
import pytest

from onebody.data import ClassColumn, make_table
from onebody.data.sources import read_array
from onebody.datasets.pose_clip import PoseOptions
from onebody.datasets.pose_export import to_pyskl, write_pyskl
from onebody.datasets.pose_import import Target, import_poses
from onebody.datasets.pose_pyskl import read_pyskl
from onebody.datasets.prepared import store_arrays
from onebody.labels import symmetric


def table_of(tmp_path, dims, *, confidence=False):
    rng = np.random.default_rng(3)
    joints = [rng.uniform(1, 300, (t, 13, dims)).astype(np.float32) for t in (4, 6)]
    joints[0][1, 2 if dims == 2 else slice(None)] = np.nan
    joints[1][5] = np.nan
    media = {"skeleton": store_arrays(tmp_path / "skeleton.npy", joints)}
    if confidence:
        scores = [rng.uniform(0.1, 1, j.shape[:2]).astype(np.float32) for j in joints]
        media["confidence"] = store_arrays(tmp_path / "confidence.npy", scores)
    space = symmetric("class", ("sit", "wave"))
    return make_table(
        "set",
        media,
        columns={"class": ClassColumn(values=np.array([1, -1]), space=space)},
        layouts={"skeleton": "penn-13"},
        fps=[30.0, 30.0],
        split=["train", ""],
        row_names=["a", "b"],
    )


@pytest.mark.parametrize("dims", [2, 3])
def test_there_and_back(tmp_path, dims):
    table = table_of(tmp_path, dims, confidence=dims == 2)
    write_pyskl(tmp_path / "set.pkl", to_pyskl(table, size=(320, 240)))
    options = PoseOptions(joints=13, fps=30, unit="m", y_up=True)
    target = Target(folder=tmp_path / "back", name="set", layout="penn-13", classes=("sit", "wave"))
    again, report = import_poses(read_pyskl(tmp_path / "set.pkl", options), target)
    assert again.row_names.tolist() == ["a", "b"]
    assert again.split.tolist() == ["train", ""]
    assert again.columns["class"].values.tolist() == [1, -1]
    assert report.left_out == []
    for row in range(2):
        old, new = (read_array(str(t.media["skeleton"][row])) for t in (table, again))
        np.testing.assert_allclose(new, old, rtol=1e-6)
    if dims == 2:
        old, new = (read_array(str(t.media["confidence"][0])) for t in (table, again))
        known = np.isfinite(new)
        assert (~known).sum() == 1
        np.testing.assert_array_equal(new[known], old[known])


def test_the_pickle_is_plain_and_of_protocol_4(tmp_path):
    write_pyskl(tmp_path / "set.pkl", to_pyskl(table_of(tmp_path, 2), size=(320, 240)))
    content = (tmp_path / "set.pkl").read_bytes()
    operations = list(pickletools.genops(content))
    assert operations[0][1] == 4
    strings = {a for o, a, _ in operations if o.name.startswith("SHORT_BINUNICODE")}
    assert {s for s in strings if "." in str(s)} <= {
        "numpy._core.multiarray",
        "numpy.core.multiarray",
        "numpy._core.numeric",
        "numpy.core.numeric",
    }
    found = pickle.loads(content)
    first = found["annotations"][0]
    assert found["split"] == {"train": ["a"]}
    assert (first["frame_dir"], first["label"], first["total_frames"]) == ("a", 1, 4)
    assert first["img_shape"] == first["original_shape"] == (240, 320)
    assert first["keypoint"].shape == (1, 4, 13, 2)
    assert first["keypoint"].dtype == first["keypoint_score"].dtype == np.float32
    assert first["keypoint_score"][0, 1, 2] == 0
    assert first["keypoint_score"].sum() == 4 * 13 - 1
    assert "label" not in found["annotations"][1]


def test_labels_come_from_a_stated_column(tmp_path):
    table = table_of(tmp_path, 2)
    other = replace(table, columns={"kind": table.columns["class"]})
    stated = to_pyskl(other, column="kind", size=(9, 9))
    assert [annotation.get("label") for annotation in stated["annotations"]] == [1, None]
    assert "label" not in to_pyskl(other, size=(9, 9))["annotations"][0]
    with pytest.raises(
        ValueError, match=r"class column of table 'set': 'kin'\. Did you mean 'kind'"
    ):
        to_pyskl(other, column="kin", size=(9, 9))


def test_a_folder_is_no_pickle(tmp_path):
    with pytest.raises(ValueError, match="expected a file to write, found a folder"):
        write_pyskl(tmp_path, {})


def test_what_the_form_cannot_say_is_refused(tmp_path):
    table = table_of(tmp_path, 2)
    with pytest.raises(ValueError, match="set: a: expected the size of the pictures"):
        to_pyskl(table)
    partly = np.ones((2, 13, 3), np.float32)
    partly[1, 4] = np.nan
    media = {"skeleton": store_arrays(tmp_path / "partly.npy", [partly])}
    with pytest.raises(ValueError, match="all joints of a body or none, found some"):
        to_pyskl(make_table("partly", media))
    bare = make_table("bare", {"rgb": ["a.mp4"]})
    with pytest.raises(ValueError, match="bare: bare:0: expected a skeleton"):
        to_pyskl(bare)
    twice = make_table("twice", table.media, row_names=["a", "a"])
    with pytest.raises(ValueError, match="a name of its own for every row"):
        to_pyskl(twice, size=(1, 1))
