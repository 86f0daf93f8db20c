"""Poses become a prepared folder: media, labels, layouts, and an account of what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onebody.data.sources import read_array
from onebody.data.store import save_table
from onebody.datasets.pose_clip import PoseClip
from onebody.datasets.pose_import import POSE_FORMATS, Target, import_poses, pose_reader
from onebody.datasets.prepared import PreparedConfig, read_prepared
from onebody.skeletons import get_skeleton

COCO = get_skeleton("coco-17")


def clip(name, *, people=1, frames=3, dims=2, score=0.5, **further):
    joints = np.zeros((people, frames, 17, dims), np.float32)
    joints += np.arange(17, dtype=np.float32)[:, None]
    joints += 100 * np.arange(people, dtype=np.float32)[:, None, None, None]
    scores = None if score is None else np.full(joints.shape[:3], score, np.float32)
    return PoseClip(name=name, joints=joints, scores=scores, **further)


def target(tmp_path, **options):
    return Target(folder=tmp_path / "out", name="mine", layout="coco-17", **options)


def test_the_folder_holds_skeletons_labels_and_splits(tmp_path):
    clips = [clip("a", label=1, split="train", fps=25), clip("b", frames=5, score=0.25)]
    import_poses(clips, target(tmp_path))
    table = read_prepared(PreparedConfig(folder=tmp_path / "out"))
    assert table.name == "mine"
    assert table.row_names.tolist() == table.group.tolist() == ["a", "b"]
    assert table.split.tolist() == ["train", ""]
    assert table.layouts == {"skeleton": "coco-17"}
    np.testing.assert_array_equal(table.fps, [25, np.nan])
    column = table.columns["class"]
    assert column.space.classes == ("0", "1")
    assert column.values.tolist() == [1, -1]
    assert column.space.mirror == {}
    first, second = (read_array(str(s)) for s in table.media["skeleton"])
    assert first.shape == (3, 17, 2)
    assert second.shape == (5, 17, 2)
    np.testing.assert_array_equal(read_array(str(table.media["confidence"][1])), 0.25)


def test_classes_by_name(tmp_path):
    names = target(tmp_path, classes=("sit", "wave"), symmetric=True)
    table, _ = import_poses([clip("a", label=1)], names)
    assert table.columns["class"].space.classes == ("sit", "wave")
    assert table.columns["class"].space.mirror == {"sit": "sit", "wave": "wave"}
    with pytest.raises(ValueError, match=r"labels from 0 to 0, .* found 1 in 'a'"):
        import_poses([clip("a", label=1)], target(tmp_path, classes=("sit",)))


def test_without_labels_and_scores_there_are_no_such_columns(tmp_path):
    table, _ = import_poses([clip("a", score=None)], target(tmp_path))
    assert table.columns == {}
    assert list(table.media) == ["skeleton"]


def test_confidence_of_some_recordings_alone(tmp_path):
    table, _ = import_poses([clip("a", score=None), clip("b")], target(tmp_path))
    assert table.media["confidence"][0] == ""
    assert read_array(str(table.media["confidence"][1])).shape == (3, 17)


def test_further_people_and_empty_recordings_are_counted(tmp_path):
    crowd = clip("a", people=3)
    crowd.joints[2, 1:] = np.nan
    crowd.scores[2, 1:] = np.nan
    nobody = clip("b")
    nobody.joints[:] = np.nan
    table, report = import_poses([crowd, nobody], target(tmp_path))
    assert len(table) == 1
    assert (report.recordings, report.frames) == (2, 3)
    assert (report.further_people, report.further_poses) == (2, 4)
    assert report.left_out == ["b"]
    assert (report.known, report.joints) == (51, 51)


def test_all_people_become_samples_of_one_group(tmp_path):
    table, report = import_poses([clip("a", people=2)], target(tmp_path, person="all"))
    assert table.row_names.tolist() == ["a/person1", "a/person2"]
    assert table.group.tolist() == ["a", "a"]
    assert read_array(str(table.media["skeleton"][1]))[0, 3].tolist() == [103, 103]
    assert report.further_people == 0


def test_unsure_joints_are_missing(tmp_path):
    one = clip("a")
    one.scores[0, 1, 4] = 0.2
    table, report = import_poses([one], target(tmp_path, min_score=0.3))
    joints = read_array(str(table.media["skeleton"][0]))
    assert np.isnan(joints[1, 4]).all()
    assert np.isnan(joints).sum() == 2
    assert report.joints - report.known == 1
    with pytest.raises(ValueError, match=r"found nobody\. Lower --min-score"):
        import_poses([clip("a")], target(tmp_path, min_score=0.9))


def test_joints_are_converted_and_stay_missing(tmp_path):
    one = clip("a")
    one.joints[0, 0, COCO.index("l_hip")] = one.scores[0, 0, COCO.index("l_hip")] = np.nan
    table, report = import_poses([one], target(tmp_path, to="kinect-20"))
    kinect = get_skeleton("kinect-20")
    joints = read_array(str(table.media["skeleton"][0]))
    assert table.layouts == {"skeleton": "kinect-20"}
    hips = COCO.index("l_hip") + COCO.index("r_hip")
    pelvis = kinect.index("hip_center")
    assert np.isnan(joints[0, pelvis]).all()
    np.testing.assert_allclose(joints[1, pelvis], hips / 2)
    np.testing.assert_allclose(joints[1, kinect.index("r_knee")], COCO.index("r_knee"))
    assert np.isnan(joints[:, kinect.index("l_hand")]).all()  # there are no hands
    confidence = read_array(str(table.media["confidence"][0]))
    np.testing.assert_allclose(confidence[1, pelvis], 0.5)
    assert np.isnan(confidence[0, pelvis])
    assert (report.known, report.joints) == (np.isfinite(joints).all(-1).sum(), joints.size // 2)


def test_a_body_is_no_hand(tmp_path):
    with pytest.raises(ValueError, match="in common with 'coco-17', found 'hand-21'"):
        import_poses([clip("a")], target(tmp_path, to="hand-21"))


def test_another_dataset_is_not_written_over(tmp_path):
    import_poses([clip("a", label=1)], target(tmp_path))
    table, _ = import_poses([clip("b")], target(tmp_path))  # an earlier import is
    other = replace(table, media={**table.media, "rgb": table.media["skeleton"]})
    save_table(other, tmp_path / "out")
    with pytest.raises(ValueError, match=r"the dataset 'mine' \(skeleton, confidence, rgb\)"):
        import_poses([clip("c")], target(tmp_path))


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "mine: expected recordings, found none"),
        ([clip("a"), clip("a")], "each recording once, found 'a' twice"),
        ([clip("a"), clip("b", dims=3)], "2D or 3D joints, found both"),
    ],
)
def test_what_makes_no_set_is_refused(tmp_path, clips, message):
    with pytest.raises(ValueError, match=message):
        import_poses(clips, target(tmp_path))


def test_formats_by_name():
    assert pose_reader("coco") is POSE_FORMATS["coco"]
    with pytest.raises(ValueError, match="Did you mean 'mediapipe'"):
        pose_reader("medapipe")
