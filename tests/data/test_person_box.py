"""Targets of boxes: from joints of every frame and from a table's boxes, as the crop shows them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from make_samples import SKELETON, joint_paths, pose_spec, sample_table

from onebody.data import InputSpec, Source, TargetSpec, make_batch
from onebody.data.augment import AugmentConfig
from onebody.data.person_box import joint_bounds
from onebody.data.splice import SpliceConfig, check_splice, frame_labels
from onebody.data.targets import labeled_rows

SPEC = InputSpec(modality="depth", size=16, frames=4, sampling="dense")
PLACE = TargetSpec(task="place", column="pose", form="box", skeleton=SKELETON)
OF_TABLE = TargetSpec(task="place", column="box", form="box")
LOOK = SPEC.model_copy(update={"look": "picture"})
BOX = np.array([20.0, 12, 44, 36])


@pytest.fixture
def table(tmp_path):
    return sample_table(tmp_path, rows=3, frames=4)


def boxed(table):
    return replace(table, box=np.tile(BOX, (len(table), 1)))


def in_source(batch):
    """Return the target's boxes in source pixels ``[B, T, 4]``, of crops that are not turned."""
    affine = batch.context.crop_to_source.double()
    side, shift = affine[:, [0, 1, 0, 1], [0, 1, 0, 1]], affine[:, [0, 1, 0, 1], 2]
    return batch.targets["place"].value.double() * side[:, None] + shift[:, None]


def test_bounds_hold_the_known_joints_and_no_more():
    points = np.array([[[1.0, 2], [5, 9], [400, np.nan]], [[1, 2], [1, 9], [3, 3]]])
    known = np.array([[True, True, False], [True, False, False]])
    boxes, found = joint_bounds(points, known)
    assert found.tolist() == [True, False]
    assert boxes.tolist() == [[1, 2, 5, 9], [0, 0, 0, 0]]


@pytest.mark.parametrize("margin", [1.0, 1.3])
def test_the_box_of_a_frame_is_around_its_joints(table, margin):
    batch = make_batch(table, [2, 0], SPEC, [replace(PLACE, margin=margin)], augment=None)
    joints = joint_paths(3, 4)[[2, 0]][..., :2].astype(np.float64)
    low, high = joints.min(2), joints.max(2)
    middle, half = (low + high) / 2, margin * (high - low) / 2
    expected = np.concatenate([middle - half, middle + half], axis=-1)
    np.testing.assert_allclose(in_source(batch), expected, atol=1e-3)
    assert batch.targets["place"].mask.all()
    assert batch.targets["place"].present.all()


def test_the_tables_box_is_that_of_every_frame(table):
    batch = make_batch(boxed(table), [1], LOOK, [OF_TABLE], augment=None)
    np.testing.assert_allclose(in_source(batch)[0], np.tile(BOX, (4, 1)), atol=1e-3)
    joints = make_batch(boxed(table), [1], LOOK, [pose_spec()], augment=None)
    plain = make_batch(table, [1], SPEC, [pose_spec()], augment=None)
    torch.testing.assert_close(joints.inputs, plain.inputs)  # the whole picture is looked at
    torch.testing.assert_close(joints.targets["pose"].value, plain.targets["pose"].value)


def test_a_box_is_cut_at_the_crops_border_and_may_be_lost(table):
    far = np.array([[-30.0, 10, 8, 60], [400, 400, 500, 500], [np.nan] * 4])
    batch = make_batch(replace(table, box=far), [0, 1, 2], LOOK, [OF_TABLE], augment=None)
    target = batch.targets["place"]
    assert target.present.tolist() == [True, True, False]
    assert target.mask[:, 0].tolist() == [True, False, False]
    np.testing.assert_allclose(in_source(batch)[0, 0], [0, 10, 8, 56], atol=1e-3)
    assert (target.value[1:] == 0).all()


def test_varied_crops_show_the_same_place(table):
    moved = AugmentConfig(scale=(1.1, 1.6), translate=0.05, flip=1.0)
    for target, data, spec in ((PLACE, table, SPEC), (OF_TABLE, boxed(table), LOOK)):
        plain = make_batch(data, [0, 1], spec, [target], augment=None)
        varied = make_batch(data, [0, 1], spec, [target], augment=moved, key=(3, 1))
        assert (varied.context.crop_to_source[:, 0, 0] < 0).all()  # mirrored
        value = varied.targets["place"].value
        assert (value[..., 2:] > value[..., :2]).all()
        found = in_source(varied)[..., [2, 1, 0, 3]]  # left and right have changed places
        np.testing.assert_allclose(found, in_source(plain), atol=1e-3)


def test_a_turned_crop_holds_the_joints_closely(table):
    turned = AugmentConfig(rotate_deg=(30, 30))
    batch = make_batch(table, [0], SPEC, [PLACE, pose_spec()], augment=turned)
    joints = batch.targets["pose"].value[..., :2]
    expected = torch.cat([joints.amin(2), joints.amax(2)], -1)
    torch.testing.assert_close(batch.targets["place"].value, expected)


def test_rows_with_a_box_are_labeled(table):
    some = boxed(table)
    some.box[1] = np.nan
    assert labeled_rows(some, OF_TABLE).tolist() == [True, False, True]
    assert labeled_rows(table, PLACE).tolist() == [True, True, True]
    assert not labeled_rows(table, replace(PLACE, column="other")).any()


def test_requests_that_mean_nothing_are_refused(table):
    with pytest.raises(ValueError, match="to 'picture'"):
        Source(table=boxed(table), spec=SPEC, targets=(OF_TABLE,))
    numbers = InputSpec(modality="skeleton", skeleton=SKELETON, frames=4)
    posed = replace(table, media={"skeleton": table.media["depth"]}, layouts={"skeleton": SKELETON})
    with pytest.raises(ValueError, match="finds a box in a picture"):
        Source(table=posed, spec=numbers, targets=(OF_TABLE,))
    with pytest.raises(ValueError, match="found classes"):
        Source(table=table, spec=SPEC, targets=(replace(PLACE, column="gesture"),))


def test_clips_made_of_two_keep_the_box_of_every_frame(table):
    check_splice(SpliceConfig(share=0.5), 32, (PLACE,))
    batch = make_batch(table, [0], SPEC, [PLACE], augment=None)
    assert frame_labels(batch, (PLACE,)).targets["place"] is batch.targets["place"]
