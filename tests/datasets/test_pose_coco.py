"""COCO results and annotations: recordings, order, tracks, and what is refused."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from damage import check_read, cut_or_changed, damaged
from hypothesis import given, settings

from onebody.datasets.pose_clip import PoseOptions
from onebody.datasets.pose_coco import read_coco

JOINTS = 13
OPTIONS = PoseOptions(joints=JOINTS, fps=25)


def result(image, x, *, score=0.8, **further):
    """One person whose joint j lies at (x, 2 j)."""
    keypoints = [v for j in range(JOINTS) for v in (x, 2 * j, score)]
    return {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": 0.9, **further}


def read(tmp_path, content, options=OPTIONS, images=None):
    file = tmp_path / "poses.json"
    file.write_text(json.dumps(content))
    if images is not None:
        (tmp_path / "images.json").write_text(json.dumps(images))
        options = PoseOptions(joints=options.joints, images=tmp_path / "images.json")
    return list(read_coco(file, options))


def test_image_ids_count_frames_and_gaps_are_frames(tmp_path):
    (clip,) = read(tmp_path, [result(7, 3), result(4, 1), result(5, 2)])
    assert (clip.name, clip.fps) == ("poses", 25)
    assert clip.joints.shape == (1, 4, JOINTS, 2)
    np.testing.assert_array_equal(clip.joints[0, :, 5], [[1, 10], [2, 10], [np.nan] * 2, [3, 10]])
    np.testing.assert_allclose(clip.scores[0, 0], 0.8)


def test_joints_of_score_zero_at_zero_are_missing_and_scores_end_at_one(tmp_path):
    one = result(0, 5, score=1.3)
    one["keypoints"][3:6] = [0, 0, 0]
    one["keypoints"][6:9] = [4, 4, 0]  # a place without confidence is a place
    (clip,) = read(tmp_path, [one])
    assert np.isnan(clip.joints[0, 0, 1]).all()
    np.testing.assert_array_equal(clip.joints[0, 0, 2], [4, 4])
    np.testing.assert_array_equal(clip.scores[0, 0, :4], [1, np.nan, 0, 1])


def test_a_list_of_pictures_orders_and_divides(tmp_path):
    images = [
        {"id": 90, "file_name": "run/10.jpg"},
        {"id": 12, "file_name": "run/9.jpg"},
        {"id": 30, "file_name": "walk/1.jpg"},
        {"id": 31, "file_name": "run/11.jpg"},
    ]
    poses = [result(90, 2), result(12, 1), result(30, 5)]
    run, walk = read(tmp_path, poses, images={"images": images})
    assert (run.name, walk.name) == ("run", "walk")
    np.testing.assert_array_equal(run.joints[0, :, 0, 0], [1, 2, np.nan])
    assert walk.joints.shape[1] == 1


def test_videos_and_frames_outweigh_names(tmp_path):
    images = [
        {"id": "b", "file_name": "x/1.jpg", "vid_id": "v1", "frame_id": 2},
        {"id": "a", "file_name": "y/2.jpg", "vid_id": "v1", "frame_id": 1},
    ]
    (clip,) = read(tmp_path, [result("b", 2), result("a", 1)], images=images)
    assert clip.name == "v1"
    np.testing.assert_array_equal(clip.joints[0, :, 0, 0], [1, 2])


def test_track_ids_join_people(tmp_path):
    poses = [
        *(result(t, x, track_id=k) for t, x, k in ((0, 1, 5), (0, 99, 6), (1, 1, 6), (1, 99, 5))),
    ]
    (clip,) = read(tmp_path, poses)
    np.testing.assert_array_equal(clip.joints[:, :, 0, 0], [[1, 99], [99, 1]])


def test_annotations_have_visibility(tmp_path):
    one = result(3, 5, score=2)
    one["keypoints"][3:6] = [0, 0, 0]
    one["keypoints"][6:9] = [8, 8, 1]
    content = {"images": [{"id": 3, "file_name": "a.jpg"}], "annotations": [one]}
    (clip,) = read(tmp_path, content)
    assert clip.scores is None
    assert np.isnan(clip.joints[0, 0, 1]).all()
    np.testing.assert_array_equal(clip.joints[0, 0, 2], [8, 8])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "lists 'images' and 'annotations'"),
        (3, "a list of results"),
        ([], "at least one pose"),
        ([{"keypoints": []}], "record 0: expected a number or text as 'image_id'"),
        ([{"image_id": True}], "record 0: expected a number or text"),
        (
            [{**result(0, 1), "keypoints": [1, 2, 3]}],
            r"39 finite numbers .* found 3\. Name the lay",
        ),
        ([result(0, 1), {**result(1, 1), "keypoints": None}], "record 1: expected 39 finite"),
        ([{**result(0, 1), "keypoints": [float("nan")] * 39}], "beyond 1e9"),
        ([result("a", 1)], "frame numbers as image ids, found texts"),
        ([result(785, 1), result(40083, 1)], r"2 between 785 and 40083.*--images"),
    ],
)
def test_other_forms_are_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, content)
    assert str(tmp_path / "poses.json") in str(error.value)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({}, r"images\.json: expected a list 'images'"),
        ([{"id": 1}, {"id": 1}], "picture 1: expected each id once"),
        ([{"id": 1}], "pictures that have poses, found no 0"),
        ([{"id": 0, "frame_id": "x"}], "a whole number as frame"),
    ],
)
def test_lists_of_pictures_that_contradict_are_refused(tmp_path, images, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, [result(0, 1)], images=images)


def test_scores_in_the_place_of_visibilities_are_refused(tmp_path):
    content = {"images": [{"id": 0}], "annotations": [result(0, 1, score=0.7)]}
    with pytest.raises(ValueError, match="visibilities 0, 1 or 2"):
        read(tmp_path, content)


RESULTS = [result(t, x, track_id=1) for t, x in ((0, 1), (1, 2), (3, 4))]
ANNOTATED = {
    "images": [{"id": t, "file_name": f"v/{t}.jpg", "frame_id": t} for t in range(2)],
    "annotations": [result(t, 5, score=1) for t in range(2)],
}


@settings(max_examples=120, deadline=None)
@given(content=damaged(RESULTS) | damaged(ANNOTATED))
def test_contradictions_end_in_an_error_that_names_the_file(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "damaged-coco.json"
    file.write_text(json.dumps(copy.deepcopy(content)))
    check_read(lambda: read_coco(file, OPTIONS), file)


@settings(max_examples=60, deadline=None)
@given(content=cut_or_changed(json.dumps(RESULTS).encode()))
def test_damaged_texts_end_in_an_error_that_names_the_file(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "cut-coco.json"
    file.write_bytes(content)
    check_read(lambda: read_coco(file, OPTIONS), file)


def test_real_annotations(shared):
    pose = shared / "data" / "formats" / "mmpose"
    clips = list(read_coco(pose / "jhmdb" / "test_jhmdb_sub1.json", PoseOptions(joints=15)))
    assert [clip.name for clip in clips] == ["00228", "00229", "00230"]
    np.testing.assert_allclose(clips[0].joints[0, 0, 0], [98.851746, 92.59851])
    (stills,) = read_coco(pose / "coco" / "test_coco.json", PoseOptions(joints=17))
    assert stills.joints.shape[1] == 4
    assert np.isfinite(stills.joints).any((2, 3)).sum() >= 10
