"""Who is who through the frames, and who becomes a sample."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.datasets.pose_clip import Detection, PoseClip
from onebody.datasets.pose_tracks import link, persons_of, stack_tracks


def person(x, *, size=10.0, score=None, track=""):
    """Make four joints at the corners of a square whose first corner is (x, 0)."""
    joints = np.array([[x, 0], [x + size, 0], [x, size], [x + size, size]], np.float32)
    scores = None if score is None else np.full(4, score, np.float32)
    return Detection(joints=joints, scores=scores, track=track)


def first_x(track):
    return {t: float(detection.joints[0, 0]) for t, detection in track.items()}


def test_people_who_pass_keep_to_the_nearest():
    frames = [[person(0), person(50)], [person(53), person(2)], [person(4)]]
    tracks = link(frames)
    assert [first_x(track) for track in tracks] == [{0: 0, 1: 2, 2: 4}, {0: 50, 1: 53}]


def test_a_jump_of_more_than_half_a_body_begins_a_track():
    near, far = np.sqrt(50) - 0.1, np.sqrt(50) + 0.1  # the diagonal is 10 sqrt(2)
    assert len(link([[person(0)], [person(near)]])) == 1
    assert len(link([[person(0)], [person(far)]])) == 2


@pytest.mark.parametrize(("gap", "tracks"), [(30, 1), (31, 2)])
def test_somebody_is_remembered_for_a_while(gap, tracks):
    frames = [[person(0)], *([[]] * (gap - 1)), [person(0)]]
    assert len(link(frames)) == tracks


def test_stated_tracks_outweigh_places():
    frames = [[person(0, track="a"), person(50, track="b")], [person(50, track="a"), person(1)]]
    found = [first_x(track) for track in link(frames)]
    assert found == [{0: 0, 1: 50}, {0: 50}, {1: 1}]


def test_detections_without_any_joint_join_nothing():
    nobody = Detection(joints=np.full((4, 2), np.nan, np.float32), scores=None)
    assert len(link([[nobody], [nobody]])) == 2


def test_stacked_tracks_are_missing_where_nobody_was_seen():
    clip = stack_tracks([[person(0, score=0.5)], [], [person(1)]], 4, 2)
    assert clip.joints.shape == (1, 3, 4, 2)
    assert np.isnan(clip.joints[0, 1]).all()
    np.testing.assert_allclose(clip.scores[0, :, 0], [0.5, np.nan, np.nan])
    assert stack_tracks([[], []], 4, 2).joints.shape == (0, 2, 4, 2)
    assert stack_tracks([[person(0)]], 4, 2).scores is None


def crowd(*, scores=True):
    """A large unsure person in both frames, a small sure one in both, a passer-by in one."""
    frames = [
        [person(0, size=40, score=0.4), person(100, score=0.9), person(300, score=1.0)],
        [person(0, size=40, score=0.4), person(100, score=0.9)],
    ]
    clip = stack_tracks(frames, 4, 2)
    return clip if scores else PoseClip(name="", joints=clip.joints)


def test_the_rules_choose():
    assert persons_of(crowd(), "score") == [1]
    assert persons_of(crowd(), "extent") == [0]
    assert persons_of(crowd(), "all") == [0, 1, 2]
    assert persons_of(crowd(scores=False), "score") == [0]  # the most joints, the first of equals


def test_people_never_seen_are_no_choice():
    joints = np.full((2, 3, 4, 2), np.nan, np.float32)
    assert persons_of(PoseClip(name="", joints=joints), "all") == []
    joints[1, 2, 0] = 5
    assert persons_of(PoseClip(name="", joints=joints), "score") == [1]
    assert persons_of(PoseClip(name="", joints=joints), "all") == [1]
