from dataclasses import replace

import numpy as np
import pytest
from make_samples import SPEC, gesture_spec, pose_spec, sample_table

from onebody.data import AugmentConfig, Source, TargetSpec, make_table
from onebody.data.checks import check_request


@pytest.fixture
def table(tmp_path):
    return sample_table(tmp_path)


def test_a_sound_request_passes(table):
    everything = AugmentConfig(flip=0.5, rotate_deg=(-5, 5), depth_shift_mm=(-50, 50))
    check_request(table, SPEC, (pose_spec(), gesture_spec()), everything)
    absent = TargetSpec(task="other", column="nowhere", form="class", table=np.arange(2))
    check_request(table, SPEC, (absent,), everything)  # not in this table: no flip to fear


def test_flips_without_a_mirror_map_are_refused(table):
    silent = gesture_spec(mirror=None)
    with pytest.raises(ValueError, match=r"'gesture' does not say.*mirror map.*flips off"):
        Source(
            table=table, spec=SPEC, targets=(silent,), augment=AugmentConfig(flip=0.1), batch_size=2
        )
    Source(table=table, spec=SPEC, targets=(silent,), augment=AugmentConfig(), batch_size=2)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ((gesture_spec(table=np.arange(2)),), "each of the 3 classes .* found 2"),
        ((gesture_spec(table=None),), "found None"),
        ((gesture_spec(), gesture_spec()), "Two targets for one task"),
        ((replace(pose_spec(), column="gesture"),), "expects joints .* found classes"),
        ((gesture_spec(column="pose"),), "expects classes .* found joints"),
        ((replace(pose_spec(), skeleton="kinect-02"),), "Did you mean 'kinect-20'"),
        ((pose_spec(3),), "holds pixels, which have no depth"),
        (
            (TargetSpec(task="all", column="", form="union", parts=(("gesture", 0),)),),
            "is made of the labels of 'gesture'",
        ),
    ],
)
def test_targets_that_the_table_cannot_give_are_refused(table, targets, message):
    with pytest.raises(ValueError, match=message):
        check_request(table, SPEC, targets, None)


def test_an_unknown_unit_is_refused(table):
    column = replace(table.columns["pose"], unit="m")
    table = replace(table, columns={"pose": column})
    with pytest.raises(ValueError, match="'px' or 'mm', found 'm'"):
        check_request(table, SPEC, (pose_spec(),), None)


def test_an_unknown_modality_is_refused(table):
    spec = SPEC.model_copy(update={"modality": "depht"})
    with pytest.raises(ValueError, match="Did you mean 'depth'"):
        check_request(table, spec, (), None)


def test_options_without_a_use_are_refused(tmp_path):
    table = sample_table(tmp_path, modality="rgb")
    spec = SPEC.model_copy(update={"modality": "rgb"})
    with pytest.raises(ValueError, match="'rgb' has no depth"):
        check_request(table, spec, (), AugmentConfig(depth_shift_mm=(-50, 50)))
    worn = make_table("worn", {"imu": ["a.npy"]})
    spec = SPEC.model_copy(update={"modality": "imu"})
    check_request(worn, spec, (), AugmentConfig(speed=(0.5, 2), duration=(0.5, 1)))
    with pytest.raises(ValueError, match="turn off flip, noise"):
        check_request(worn, spec, (), AugmentConfig(flip=0.5, noise=(0, 0.1)))


def test_joints_need_pictures(table):
    table = replace(table, media={"imu": table.media["depth"]})
    spec = SPEC.model_copy(update={"modality": "imu"})
    with pytest.raises(ValueError, match="'imu' has none"):
        check_request(table, spec, (pose_spec(),), None)
