"""Drawings show joints where they are, text that can be read, and one picture per frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_prediction import make_prediction

from onebody.inference import ClassAnswer, PoseAnswer, Prediction, draw_frames
from onebody.inference.draw import (
    SIDE_COLORS,
    bone_side,
    draw_skeleton,
    enlarge,
    fit,
    font,
    joint_sides,
)
from onebody.skeletons import get_skeleton

COCO = get_skeleton("coco-17")


def near(picture, x, y, color, reach=1):
    """Is there a pixel of a color around a place?"""
    part = picture[y - reach : y + reach + 1, x - reach : x + reach + 1].astype(int)
    return (np.abs(part - np.array(color)).max(axis=-1) < 30).any()


def only(joint, x, y, num_frames=1):
    """Poses in which one joint alone is known."""
    joints = np.full((num_frames, len(COCO), 3), np.nan, np.float32)
    joints[:, COCO.index(joint)] = [x, y, 1.0]
    return joints


def one_joint(joint, x, y, size=(112, 112), num_frames=1):
    return Prediction(
        source="a.mp4",
        fps=10.0,
        size=size,
        times_s=np.arange(num_frames) / 10,
        poses={
            "pose": PoseAnswer(
                skeleton="coco-17",
                unit="px",
                joints=only(joint, x, y, num_frames),
                measured=np.ones(num_frames, np.bool_),
            )
        },
    )


@pytest.mark.parametrize(("joint", "side"), [("l_wrist", "left"), ("r_knee", "right")])
def test_a_joint_is_drawn_where_it_is_in_its_sides_color(joint, side):
    picture = Image.new("RGB", (60, 40))
    draw_skeleton(picture, only(joint, 20.5, 10.5)[0], COCO, thickness=4)
    drawn = np.asarray(picture)
    rows, columns = np.nonzero((drawn == SIDE_COLORS[side]).all(axis=-1))
    assert rows.mean() == pytest.approx(10, abs=0.3)
    assert columns.mean() == pytest.approx(20, abs=0.3)
    assert len(rows) < 60


def test_enlarged_videos_keep_joints_at_their_place():
    # a red pixel at (80, 30): its center is (80.5, 30.5)
    frames = np.zeros((1, 112, 112, 3), np.uint8)
    (drawn,) = one_joint("l_wrist", 80.5, 30.5).draw(frames)
    scale = 480 / 112
    assert drawn.shape[:2] == (480, 480)
    assert near(drawn, round(80.5 * scale - 0.5), round(30.5 * scale - 0.5), SIDE_COLORS["left"])
    assert not near(drawn, 100, 400, SIDE_COLORS["left"], reach=20)


def test_frames_of_another_size_than_the_source_are_scaled():
    frames = np.zeros((1, 240, 320, 3), np.uint8)
    (drawn,) = one_joint("r_wrist", 1200, 900, size=(960, 1280)).draw(frames, least_side_px=240)
    assert near(drawn, 300, 225, SIDE_COLORS["right"])


def test_a_bone_joins_its_joints():
    joints = np.full((len(COCO), 3), np.nan, np.float32)
    joints[COCO.index("l_elbow")] = [10, 10, 1]
    joints[COCO.index("l_wrist")] = [50, 30, 1]
    picture = Image.new("RGB", (64, 40))
    draw_skeleton(picture, joints, COCO, thickness=3)
    drawn = np.asarray(picture)
    for part in (0.25, 0.5, 0.75):
        assert near(drawn, round(10 + 40 * part), round(10 + 20 * part), SIDE_COLORS["left"])


def test_joints_without_confidence_are_not_drawn():
    joints = only("nose", 20, 20)[0]
    joints[COCO.index("nose"), 2] = 0.01
    picture = Image.new("RGB", (40, 40))
    draw_skeleton(picture, joints, COCO, thickness=3)
    assert not np.asarray(picture).any()


def test_joints_far_outside_do_not_fail():
    joints = only("nose", -1e5, 1e5)[0]
    picture = Image.new("RGB", (40, 40))
    draw_skeleton(picture, joints, COCO, thickness=3)
    assert not np.asarray(picture).any()


def test_interpolated_poses_look_different():
    prediction = one_joint("l_wrist", 50, 50, num_frames=2)
    pose = replace(prediction.poses["pose"], measured=np.array([True, False]))
    drawn = replace(prediction, poses={"pose": pose}).draw(np.zeros((2, 112, 112, 3), np.uint8))
    assert (drawn[0] != drawn[1]).any()


def test_sides_of_joints_and_bones():
    sides = joint_sides(COCO)
    assert [sides[COCO.index(j)] for j in ("nose", "l_hip", "r_hip")] == ["middle", "left", "right"]
    assert bone_side(sides, (COCO.index("l_hip"), COCO.index("r_hip"))) == "middle"
    assert bone_side(sides, (COCO.index("nose"), COCO.index("r_eye"))) == "right"


def test_labels_and_3d_views_are_added_beside_the_picture_not_over_it():
    prediction = make_prediction(4)
    frames = np.full((4, 96, 128, 3), 200, np.uint8)
    plain = replace(prediction, classes={}, poses={}).draw(frames)
    drawn = replace(prediction, poses={"pose3d": prediction.poses["pose3d"]}).draw(frames)
    height, width = plain.shape[1:3]
    assert drawn.shape[1] > height
    assert drawn.shape[2] > width
    np.testing.assert_array_equal(drawn[:, :height, :width], plain)
    assert drawn[:, height:].max() > 200  # text


def test_a_notice_stands_below_everything():
    prediction = make_prediction(union=True)
    frames = np.zeros((len(prediction), 112, 112, 3), np.uint8)
    plain = prediction.draw(frames)
    told = replace(prediction, notice="demo weights").draw(frames)
    height = plain.shape[1]
    np.testing.assert_array_equal(told[:, :height], plain)
    assert told.shape[1] > height
    assert (told[:, height:] > 200).any(axis=(1, 2, 3)).all()  # letters, in every picture


def test_an_unknown_3d_pose_takes_no_place():
    prediction = make_prediction(4)
    pose = prediction.poses["pose3d"]
    empty = replace(pose, joints=np.full_like(pose.joints, np.nan))
    frames = np.zeros((4, 96, 128, 3), np.uint8)
    bare = replace(prediction, poses={}).draw(frames)
    np.testing.assert_array_equal(replace(prediction, poses={"pose3d": empty}).draw(frames), bare)


def test_bars_grow_with_probability():
    def panel(probability):
        answer = ClassAnswer(
            classes=("a", "b"),
            windows=np.array([[0, 1]]),
            scores=np.array([[probability, 0.0]], np.float32),
        )
        one = Prediction(
            source="", fps=1.0, size=(50, 50), times_s=np.zeros(1), classes={"task": answer}
        )
        drawn = one.draw(np.zeros((1, 50, 50, 3), np.uint8))[0]
        green = drawn[480:, :, 1].astype(int) - drawn[480:, :, 0]
        return (green > 25).sum()

    assert panel(0.9) > 1.5 * panel(0.5) > 0


def test_grey_frames_become_color():
    frames = np.full((1, 112, 112, 1), 99, np.uint8)
    drawn = one_joint("nose", 5, 5).draw(frames)
    assert drawn.shape == (1, 480, 480, 3)
    assert (drawn[0, -1, -1] == 99).all()


def test_large_frames_are_not_enlarged():
    picture, factor = enlarge(np.zeros((600, 800, 3), np.uint8), 480)
    assert (picture.size, factor) == ((800, 600), 1.0)


def test_drawing_is_lazy():
    taken = []

    def frames():
        for i in range(4):
            taken.append(i)
            yield np.zeros((96, 128, 3), np.uint8)

    stream = draw_frames(make_prediction(4), frames())
    next(stream)
    assert taken == [0]


@pytest.mark.parametrize(("count", "message"), [(3, "3 frames given"), (5, "more frames given")])
def test_a_wrong_number_of_frames_is_refused(count, message):
    with pytest.raises(ValueError, match=message):
        make_prediction(4).draw(np.zeros((count, 96, 128, 3), np.uint8))


def test_long_texts_are_shortened():
    from PIL import ImageDraw

    pen = ImageDraw.Draw(Image.new("RGB", (10, 10)))
    letters = font(12)
    short = fit("a very long name of a class", letters, 60, pen)
    assert short.endswith("...")
    assert pen.textlength(short, letters) <= 60
    assert fit("ab", letters, 60, pen) == "ab"
