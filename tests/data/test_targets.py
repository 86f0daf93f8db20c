from dataclasses import replace

import numpy as np
import pytest
import torch
from make_samples import JOINTS, gesture_spec, pose_spec, sample_table

from onebody.data import TargetSpec
from onebody.data.targets import (
    class_labels,
    class_target,
    joints_target,
    labeled_rows,
    mirrored,
    union_labels,
)
from onebody.labels import UNLABELED
from onebody.skeletons import get_skeleton

LABELS = np.array([0, 1, 2, UNLABELED])


def test_labels_go_through_the_table(tmp_path):
    table = sample_table(tmp_path, rows=4)
    column = replace(table.columns["gesture"], values=LABELS)
    table = replace(table, columns={**table.columns, "gesture": column})
    target = gesture_spec(table=np.array([5, UNLABELED, 7]))
    assert class_labels(table, np.array([3, 2, 1, 0]), target).tolist() == [-1, 7, -1, 5]
    assert labeled_rows(table, target).tolist() == [True, False, True, False]
    assert labeled_rows(table, pose_spec()).all()
    assert not labeled_rows(table, replace(pose_spec(), column="none")).any()
    union = TargetSpec(task="all", column="", form="union", parts=(("gesture", 0),))
    assert not labeled_rows(table, union).any()


def test_mirrored_labels():
    labels = {"gesture": np.array([0, 1, 2, UNLABELED, 0])}
    wish = np.array([True, True, True, True, False])
    flip, got = mirrored(labels, (gesture_spec(),), wish)
    assert flip.tolist() == [True, True, False, True, False]
    assert got["gesture"].tolist() == [1, 0, 2, UNLABELED, 0]
    assert wish.tolist() == [True, True, True, True, False]  # the wish itself is untouched
    assert labels["gesture"].tolist() == [0, 1, 2, UNLABELED, 0]


def test_a_row_kept_by_one_label_keeps_the_others():
    labels = {"gesture": np.array([2]), "side": np.array([0])}
    side = replace(gesture_spec(), task="side", mirror=np.array([1, 0]))
    flip, got = mirrored(labels, (gesture_spec(), side), np.array([True]))
    assert not flip.any()
    assert got["side"].tolist() == [0]


def test_absent_classes_stay_out_of_losses():
    target = class_target(np.array([1, UNLABELED]))
    assert target.present.tolist() == [True, False]
    with pytest.raises(IndexError):  # a loss that forgets `present` fails instead of learning
        torch.nn.functional.cross_entropy(torch.zeros(2, 3), target.value)


def test_unions_add_offsets_and_skip_missing_columns():
    union = TargetSpec(task="all", column="", form="union", parts=(("a", 0), ("b", 4), ("c", 9)))
    labels = {"a": np.array([3, -1, -1]), "b": np.array([-1, 2, -1])}
    assert union_labels(union, labels, ["x", "y", "z"]).tolist() == [3, 6, -1]
    labels["b"][0] = 0
    with pytest.raises(ValueError, match="x: expected a label for one of a, b, c"):
        union_labels(union, labels, ["x", "y", "z"])


def make(joints, **given):
    count = len(joints)
    values = {
        "unit": "px",
        "num_frames": 2,
        "affine": np.tile(np.array([[10.0, 0, 0], [0, 10, 0]]), (count, 1, 1)),
        "flip": np.zeros(count, np.bool_),
        "hidden": None,
        "camera": np.full((count, 4), np.nan),
        "depth_ref_mm": np.full(count, np.nan),
        **given,
    }
    return joints_target(pose_spec(), joints, **values)


def joints_at(x, y, seen=1.0):
    values = np.zeros((2, JOINTS, 3), np.float32)
    values[..., 0], values[..., 1], values[..., 2] = x, y, seen
    return values, np.ones((2, JOINTS), np.bool_)


def test_joints_become_fractions():
    target = make([joints_at(2.5, 7.5), None])
    assert target.present.tolist() == [True, False]
    assert target.value[0, 0, 0].tolist() == [0.25, 0.75, 1.0]
    assert not target.mask[1].any()
    assert (target.value[1] == 0).all()


def test_the_border_belongs_to_the_crop_and_the_outside_does_not():
    values, known = joints_at(10.0, 0.0)
    values[:, 1, 0] = 10.01
    values[:, 2, 1] = -0.01
    target = make([(values, known)])
    assert target.mask[0, 0, :4].tolist() == [True, False, False, True]


def test_a_flip_exchanges_sides():
    values, known = joints_at(2.0, 5.0)
    values[..., 0] = np.arange(JOINTS) * 0.4
    known[:, 3] = False
    plain, flipped = make([(values, known)]), make([(values, known)], flip=np.array([True]))
    order = get_skeleton("kinect-20").mirror()
    assert torch.equal(flipped.value[0], plain.value[0][:, order])
    assert torch.equal(flipped.mask[0], plain.mask[0][:, order])
    assert not (order == np.arange(JOINTS)).all()


def test_hidden_boxes_change_visibility_only():
    box = np.array([[0.2, 0.2, 0.5, 0.5]])
    values, known = joints_at(3.0, 3.0)
    values[:, 1] = (7.0, 7.0, 1.0)
    target = make([(values, known)], hidden=box)
    assert target.value[0, 0, 0, 2] == 0
    assert target.value[0, 0, 1, 2] == 1
    assert target.mask.all()
