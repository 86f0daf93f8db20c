"""Skeleton pickles: both forms, padding, splits, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from damage import JUNK, check_read, damaged
from hypothesis import given, settings

from onebody.datasets.pickle_reader import read_pickle
from onebody.datasets.pose_clip import PoseOptions
from onebody.datasets.pose_pyskl import read_pyskl

JOINTS = 13
OPTIONS = PoseOptions(joints=JOINTS, fps=30)
SPACE = PoseOptions(joints=JOINTS, unit="m", y_up=True)


def annotation(name="a", *, people=2, frames=4, dims=2, label=3, **further):
    """Joint coordinates are 100 person + frame + joint / 100."""
    m, t, j = np.meshgrid(np.arange(people), np.arange(frames), np.arange(JOINTS), indexing="ij")
    keypoint = np.repeat((1 + 100 * m + t + j / 100)[..., None], dims, -1).astype(np.float32)
    record = {"frame_dir": name, "total_frames": frames, "label": label, "keypoint": keypoint}
    if dims == 2:
        record |= {"img_shape": (240, 320), "keypoint_score": np.full_like(keypoint[..., 0], 0.5)}
    return {**record, **further}


def read(tmp_path, content, options=OPTIONS, protocol=4):
    file = tmp_path / "set.pkl"
    file.write_bytes(pickle.dumps(content, protocol=protocol))
    return list(read_pyskl(file, options))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_annotations_with_splits(tmp_path, protocol):
    content = {
        "split": {"xsub_train": ["b"], "xsub_val": ["a"]},
        "annotations": [annotation("a"), annotation("b", label=0), annotation("c")],
    }
    clips = read(tmp_path, content, protocol=protocol)
    assert [(c.name, c.label, c.split) for c in clips] == [
        ("a", 3, "xsub_val"),
        ("b", 0, "xsub_train"),
        ("c", 3, ""),
    ]
    np.testing.assert_array_equal(clips[0].joints, annotation()["keypoint"])
    np.testing.assert_array_equal(clips[0].scores, 0.5)
    assert clips[0].fps == 30


def test_a_bare_list_and_other_names_of_the_id(tmp_path):
    record = annotation()
    record["filename"] = record.pop("frame_dir")
    del record["label"]
    (clip,) = read(tmp_path, [record])
    assert (clip.name, clip.label, clip.split) == ("a", -1, "")


def test_padding_becomes_missing(tmp_path):
    record = annotation()
    record["keypoint"][1, 2:] = 0
    record["keypoint_score"][1, 2:] = 0
    record["keypoint"][0, 0, 5] = 0  # a joint at the corner that is sure stays
    (clip,) = read(tmp_path, [record])
    assert np.isnan(clip.joints[1, 2:]).all()
    assert np.isnan(clip.scores[1, 2:]).all()
    np.testing.assert_array_equal(clip.joints[0, 0, 5], 0)
    assert np.isfinite(clip.joints[0]).all()


def test_joints_in_space_become_mm_with_y_down(tmp_path):
    record = annotation(dims=3)
    record["keypoint"][1] = 0
    record["keypoint"][0, :, 0] = 0  # a root in the origin is a joint
    (clip,) = read(tmp_path, [record], SPACE)
    assert clip.scores is None
    np.testing.assert_allclose(clip.joints[0, 1, 2], [2020, -2020, 2020], rtol=1e-5)
    assert np.isnan(clip.joints[1]).all()
    np.testing.assert_array_equal(clip.joints[0, 0, 0], 0)
    with pytest.raises(ValueError, match="--unit m or --unit mm"):
        read(tmp_path, [record])


def compressed(name="a", frames=(7, 13, 13, 15), **further):
    poses = np.zeros((len(frames), JOINTS, 3), np.float16)
    poses[..., 0] = np.arange(len(frames))[:, None] + 1
    poses[..., 2] = 0.5
    record = {"frame_dir": name, "label": 1, "total_frames": 300}
    return {**record, "frame_inds": np.array(frames, np.int16), "keypoint": poses, **further}


def test_compressed_poses_are_laid_out_by_frame_and_person(tmp_path):
    (clip,) = read(tmp_path, [compressed()])
    assert clip.joints.shape == (2, 5, JOINTS, 2)  # every other frame from 7 to 15
    nan = np.nan
    np.testing.assert_array_equal(
        clip.joints[:, :, 0, 0], [[1, nan, nan, 2, 4], [nan, nan, nan, 3, nan]]
    )


@pytest.mark.parametrize("place", ["file", "folder"])
def test_compressed_poses_in_other_pickles(tmp_path, place):
    record = compressed()
    own = {"keypoint": record.pop("keypoint")}
    stored = tmp_path / "stored"
    stored.mkdir()
    (stored / "a.pkl").write_bytes(pickle.dumps(own))
    (stored / "all.pkl").write_bytes(pickle.dumps({"b": {}, "a": own}))
    path = stored if place == "folder" else stored / "all.pkl"
    (clip,) = read(tmp_path, [record], PoseOptions(joints=JOINTS, keypoints=(path,)))
    assert clip.joints.shape == (2, 5, JOINTS, 2)
    with pytest.raises(ValueError, match=r"\('a'\): expected its keypoint.*--keypoints"):
        read(tmp_path, [record])
    with pytest.raises(ValueError, match=r"\('z'\): expected its keypoint in .*stored"):
        read(tmp_path, [{**record, "frame_dir": "z"}], PoseOptions(joints=13, keypoints=(path,)))


def test_a_recording_in_several_splits_needs_a_choice(tmp_path):
    splits = {"train1": ["a"], "test1": ["b"], "train2": ["b"], "test2": ["a"]}
    content = {"split": splits, "annotations": [annotation("a"), annotation("b")]}
    with pytest.raises(ValueError, match=r"'b' in 'test1' and 'train2'.*--splits"):
        read(tmp_path, content)
    clips = read(tmp_path, content, PoseOptions(joints=JOINTS, splits=("train2", "test2")))
    assert [clip.split for clip in clips] == ["test2", "train2"]
    with pytest.raises(ValueError, match="a split 'train9', found train1, test1"):
        read(tmp_path, content, PoseOptions(joints=JOINTS, splits=("train9",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (3, "a list of annotations, found int"),
        ({"split": {}}, "a list of annotations, found NoneType"),
        ([3], "a list of annotations"),
        ([{}], "annotation 0: expected a text as 'frame_dir'"),
        ([annotation(), annotation()], r"annotation 1 \('a'\): expected each id once"),
        ([annotation(total_frames=5)], "5 frames, as 'total_frames' says, found 4"),
        ([annotation(total_frames=4.0)], "a whole number up to 1000000 as 'total_frames'"),
        ([annotation(label=-3)], "up to 1000000 as 'label', found -3"),
        ([annotation(keypoint=[1])], "4 axes as 'keypoint'"),
        ([annotation(keypoint=np.zeros((1, 4, 17, 2)))], r"keypoint \[M, T, 13, 2 or 3\], found"),
        ([annotation(keypoint=np.full((2, 4, 13, 2), np.nan))], "finite numbers in 'keypoint'"),
        ([annotation(keypoint_score=np.zeros((2, 3, 13)))], r"keypoint_score \[2, 4, 13\]"),
        ([compressed(frames=(3, 2))], "growing frame_inds"),
        ([compressed(frames=())], r"keypoint \[1, 13, 3\]"),
        ([compressed(keypoint=np.zeros((3, 13, 3)))], r"keypoint \[4, 13, 3\]"),
        ({"split": {"train": ["z"]}, "annotations": []}, "every id of the splits, found none for"),
        ({"split": {"train": "a"}, "annotations": []}, "lists of ids by split"),
    ],
)
def test_contradictions_are_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, content)
    assert str(tmp_path / "set.pkl") in str(error.value)


GOOD = {
    "split": {"train": ["a"], "test": ["c"]},
    "annotations": [annotation("a", people=1, frames=2), compressed("c")],
}
ARRAYS = (np.zeros(3), np.zeros((4, 13, 3)), np.array(["x"]), np.zeros((1, 2, 13, 2), np.int8))


@settings(max_examples=200, deadline=None)
@given(content=damaged(GOOD, junk=JUNK + ARRAYS))
def test_contradictions_end_in_an_error_that_names_the_file(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "damaged-set.pkl"
    file.write_bytes(pickle.dumps(content))
    check_read(lambda: read_pyskl(file, OPTIONS), file)


def test_a_real_set_with_its_joints_beside_it(shared, tmp_path):
    file = shared / "data" / "formats" / "mmaction2" / "sample.pkl"
    with pytest.raises(ValueError, match=r"annotation 0 \('jf7RDuUTrsQ'\).*--keypoints"):
        list(read_pyskl(file, PoseOptions(joints=17)))
    annotations = read_pickle(file)["annotations"]
    stored = {
        a["frame_dir"]: {"keypoint": np.ones((len(a["frame_inds"]), 17, 3), np.float16)}
        for a in annotations
    }
    (tmp_path / "joints.pkl").write_bytes(pickle.dumps(stored))
    options = PoseOptions(joints=17, keypoints=(tmp_path / "joints.pkl",))
    clips = list(read_pyskl(file, options))
    assert len(clips) == 100
    assert {clip.split for clip in clips} == {"train"}
    for clip, stated in zip(clips, annotations, strict=True):
        assert clip.label == stated["label"]
        # `valid` counts the frames with a box of each confidence or more
        there = np.isfinite(clip.joints).all((2, 3)).any(0).sum()
        assert there == stated["valid"][0.5] == len(np.unique(stated["frame_inds"]))
