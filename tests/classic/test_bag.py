"""Clips to descriptors, words and histograms."""

from dataclasses import replace

import numpy as np
import pytest
from clips_for_tests import KINECT, standing, waving
from sklearn.base import clone

from onebody.classic.bag import BagConfig, part_bag_of_words
from onebody.classic.codebook import PartCodebooks, distances
from onebody.classic.descriptors import PartDescriptors, velocities
from onebody.classic.pyramid import TemporalPyramid, histograms

LEFT_ARM, RIGHT_ARM = 1, 2


def clips(count=6):
    return [
        clip
        for seed in range(count)
        for clip in (waving(noise=8.0, seed=seed), standing(noise=8.0, seed=100 + seed))
    ]


class TestDescriptors:
    def test_do_not_depend_on_place_size_or_unit(self):
        clip = waving()
        other = replace(clip, joints=clip.joints * 0.0013 + np.float32(2.0))
        found = PartDescriptors().fit([clip]).transform([clip, other])
        for one, two in zip(*found, strict=True):
            np.testing.assert_allclose(one, two, atol=2e-3)

    def test_positions_are_relative_to_what_is_asked_for(self):
        clip = waving()
        by_part = PartDescriptors(velocity=0.0).fit([clip]).transform([clip])[0]
        by_hip = PartDescriptors(velocity=0.0, reference="hip").fit([clip]).transform([clip])[0]
        assert by_part[RIGHT_ARM].shape == (24, 9)  # three joints hang from the shoulder
        assert by_hip[RIGHT_ARM].shape == (24, 12)
        np.testing.assert_array_equal(by_part[0], by_hip[0])  # head and torso: always the hip
        # A body that leans moves the arm against the hip, not against the shoulder.
        leaning = clip.joints.copy()
        leaning[:, [KINECT.index(j) for j in KINECT.joints if j.startswith("r_")][:4]] += 50
        moved = replace(clip, joints=leaning)
        fitted = PartDescriptors(velocity=0.0).fit([clip])
        scale = fitted.scales_[RIGHT_ARM][0]
        change = fitted.transform([moved])[0][RIGHT_ARM] - by_part[RIGHT_ARM]
        assert np.abs(change).max() * scale < 0.1

    def test_velocities_are_per_second(self):
        ramp = np.arange(20, dtype=np.float32)[:, None] * [[1.0, -2.0]]
        for fps in (10.0, 30.0, 60.0):
            np.testing.assert_allclose(velocities(ramp, fps), np.tile([fps, -2 * fps], (20, 1)))
        assert (velocities(np.ones((1, 3), np.float32), 30.0) == 0).all()

    def test_both_kinds_have_one_scale_on_training_clips(self):
        clip = waving()
        found = PartDescriptors().fit([clip]).transform([clip])[0][RIGHT_ARM]
        half = found.shape[1] // 2
        assert np.sqrt((found[:, :half] ** 2).mean()) == pytest.approx(1.0, rel=1e-3)
        assert np.sqrt((found[:, half:] ** 2).mean()) == pytest.approx(1.0, rel=1e-3)

    def test_missing_joints_are_nan_there_alone(self):
        clip = waving()
        joints = clip.joints.copy()
        joints[5, KINECT.index("r_hand")] = np.nan
        whole = PartDescriptors(velocity=0.0).fit([clip])
        found = whole.transform([replace(clip, joints=joints)])[0]
        assert np.isnan(found[RIGHT_ARM][5]).tolist() == [False] * 6 + [True] * 3
        assert np.isfinite(np.delete(found[RIGHT_ARM], 5, axis=0)).all()
        assert np.isfinite(found[LEFT_ARM]).all()

    def test_wrong_clips_are_refused(self):
        fitted = PartDescriptors().fit([waving()])
        flat = replace(waving(), joints=waving().joints[..., :2])
        with pytest.raises(ValueError, match="Expected 3 coordinates as in training, found 2"):
            fitted.transform([flat])
        with pytest.raises(ValueError, match="Clip 1: expected frames of 20 joints"):
            fitted.transform([waving(), replace(waving(), joints=np.zeros((3, 17, 3)))])
        with pytest.raises(ValueError, match="found none"):
            fitted.transform([])
        with pytest.raises(ValueError, match="'hip' or 'part', found 'nose'"):
            PartDescriptors(reference="nose").fit([waving()])


class TestCodebooks:
    blobs = np.random.default_rng(0).normal(0.0, 0.1, (200, 4)).astype(np.float32)
    blobs[100:] += 5

    def test_frames_vote_for_their_own_blob(self):
        fitted = PartCodebooks(words=2).fit([[self.blobs]])
        votes = fitted.transform([[self.blobs[:3]], [self.blobs[-2:]]])
        assert [v[0].shape for v in votes] == [(3, 2), (2, 2)]
        assert votes[0][0].argmax(1).tolist() != votes[1][0].argmax(1).tolist() * 2
        assert set(np.concatenate([v[0].argmax(1) for v in votes]).tolist()) == {0, 1}
        np.testing.assert_allclose(votes[0][0].sum(axis=1), 1.0)

    def test_gaps_do_not_move_a_frame_and_half_seen_ones_do_not_vote(self):
        fitted = PartCodebooks(words=2).fit([[self.blobs]])
        frame = np.array([[5.0, np.nan, 5.0, 5.0], [5.0, np.nan, np.nan, np.nan]], np.float32)
        votes = fitted.transform([[frame]])[0][0]
        own = fitted.transform([[self.blobs[-1:]]])[0][0]
        np.testing.assert_array_equal(votes[0], own[0])
        assert (votes[1] == 0).all()

    def test_soft_votes_fall_with_distance(self):
        fitted = PartCodebooks(words=4, neighbors=3).fit([[self.blobs]])
        votes = fitted.transform([[self.blobs]])[0][0]
        far = distances(self.blobs.astype(np.float64), fitted.centers_[0])
        assert ((votes > 0).sum(axis=1) <= 3).all()
        np.testing.assert_array_equal(votes.argmax(axis=1), far.argmin(axis=1))
        np.testing.assert_allclose(votes.sum(axis=1), 1.0)

    def test_distances_are_those_of_what_is_known(self):
        frames = np.array([[1.0, 2.0, np.nan], [0.0, 0.0, 0.0]])
        centers = np.array([[0.0, 0.0, 9.0], [1.0, 1.0, 1.0]])
        np.testing.assert_allclose(distances(frames, centers), [[7.5, 1.5], [81.0, 3.0]])

    def test_gaps_are_filled_where_no_frame_is_whole(self):
        frames = self.blobs.copy()
        frames[::2, 0] = frames[1::2, 1] = np.nan
        assert len(PartCodebooks(words=2).fit([[frames]]).centers_[0]) == 2

    def test_a_part_with_few_frames_has_fewer_words(self):
        fitted = PartCodebooks(words=8).fit([[np.repeat(self.blobs[[0, -1]], 5, axis=0)]])
        assert len(fitted.centers_[0]) == 2
        assert fitted.transform([[self.blobs[:3]]])[0][0].shape == (3, 8)

    def test_what_is_not_possible_is_refused(self):
        with pytest.raises(ValueError, match="Part 0 is seen in no training frame"):
            PartCodebooks().fit([[np.full((9, 4), np.nan, np.float32)]])
        with pytest.raises(ValueError, match="words >= neighbors >= 1, found 2 and 3"):
            PartCodebooks(words=2, neighbors=3).fit([[self.blobs]])
        with pytest.raises(ValueError, match="Expected 1 parts, found 2"):
            PartCodebooks(words=2).fit([[self.blobs]]).transform([[self.blobs] * 2])


class TestPyramid:
    def test_pieces_share_frames_on_their_borders(self):
        votes = np.eye(3)
        np.testing.assert_allclose(histograms(votes, 1), [[1 / 3] * 3])
        np.testing.assert_allclose(histograms(votes, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
        np.testing.assert_allclose(histograms(votes, 3), np.eye(3))
        np.testing.assert_allclose(histograms(votes, 6)[::2], np.eye(3))  # fewer frames than pieces

    def test_pieces_without_votes_are_empty(self):
        votes = np.array([[1.0, 0.0], [0.0, 0.0]])
        np.testing.assert_array_equal(histograms(votes, 2), [[1, 0], [0, 0]])

    def test_parts_have_length_one_or_zero(self):
        votes = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
        found = TemporalPyramid().fit([[votes, votes]]).transform([[votes, 0 * votes]])
        assert found.shape == (1, 28)
        assert np.linalg.norm(found[0, :14]) == pytest.approx(1.0)
        assert (found[0, 14:] == 0).all()

    def test_groups_and_names_fit_the_features(self):
        votes = np.ones((3, 2)) / 2
        fitted = TemporalPyramid(levels=(1, 2)).fit([[votes] * 3])
        assert fitted.groups_.tolist() == [0] * 6 + [1] * 6 + [2] * 6
        names = fitted.get_feature_names_out()
        assert len(names) == 18
        assert names[[0, 5, 17]].tolist() == [
            "part0_1of1_word0", "part0_2of2_word1", "part2_2of2_word1",
        ]  # fmt: skip

    def test_what_is_not_possible_is_refused(self):
        votes = np.ones((3, 2))
        with pytest.raises(ValueError, match=r"power in \(0, 1\]"):
            TemporalPyramid(power=0.0).fit([[votes]])
        with pytest.raises(ValueError, match="levels of 1 piece or more"):
            TemporalPyramid(levels=(0, 1)).fit([[votes]])
        with pytest.raises(ValueError, match="Expected 1 parts of 2 words"):
            TemporalPyramid().fit([[votes]]).transform([[votes, votes]])


class TestWhole:
    config = BagConfig(words=4, neighbors=2)

    def test_tells_who_waves(self):
        pipeline = part_bag_of_words(self.config, "kinect-20").fit(clips())
        found = pipeline.transform([waving(seed=50, noise=8.0), standing(seed=51, noise=8.0)])
        again = pipeline.transform([waving(seed=52, noise=8.0), standing(seed=53, noise=8.0)])
        assert found.shape == (2, 5 * 7 * 4)
        arm = slice(2 * 28, 3 * 28)
        alike = found[:, arm] @ again[:, arm].T
        assert alike[0, 0] > alike[0, 1] + 0.3
        assert alike[1, 1] > alike[1, 0] + 0.3

    def test_is_the_same_every_time_and_can_be_cloned(self):
        one = part_bag_of_words(self.config, "kinect-20", seed=3)
        two = clone(one)
        np.testing.assert_array_equal(one.fit_transform(clips()), two.fit_transform(clips()))
        assert two.get_params()["codebooks__words"] == 4
        assert two.set_params(pyramid__power=1.0)[-1].power == 1.0

    def test_a_clip_in_which_nobody_is_seen_is_zero(self):
        pipeline = part_bag_of_words(self.config, "kinect-20").fit(clips())
        nobody = replace(standing(), joints=np.full((5, 20, 3), np.nan, np.float32))
        assert (pipeline.transform([nobody]) == 0).all()
