from dataclasses import replace

import numpy as np
import pytest
import torch
from make_samples import CAMERA, JOINTS, SPEC, gesture_spec, pose_spec, sample_table

from onebody.data import (
    AugmentConfig,
    ClassColumn,
    JointsColumn,
    RowError,
    TargetSpec,
    make_batch,
    make_table,
)
from onebody.data.assemble import assemble
from onebody.labels import UNLABELED, LabelSpace
from onebody.skeletons import get_skeleton

FULL = AugmentConfig(
    flip=0.5,
    crop=(0.8, 1.0),
    scale=(0.9, 1.1),
    rotate_deg=(-15, 15),
    brightness=(0.8, 1.2),
    contrast=(0.8, 1.2),
    gamma=(0.8, 1.2),
    saturation=(0.5, 1.5),
    erase=0.5,
    noise=(0, 0.1),
    speed=(0.8, 1.2),
    duration=(0.7, 1.0),
)
TARGETS = (pose_spec(), gesture_spec())


def centroid(pictures):
    """Return the bright spot [..., 2] as crop fractions."""
    size = pictures.shape[-1]
    at = (torch.arange(size) + 0.5) / size
    mass = pictures.sum(dim=(-1, -2))
    x = (pictures.sum(dim=-2) * at).sum(dim=-1) / mass
    y = (pictures.sum(dim=-1) * at).sum(dim=-1) / mass
    return torch.stack([x, y], dim=-1)


def test_a_batch_without_augmentation(tmp_path):
    table = sample_table(tmp_path)
    batch = make_batch(table, [4, 1], SPEC, TARGETS, augment=None)
    assert len(batch) == 2
    assert batch.num_frames == 4
    assert batch.inputs["depth"].shape == (2, 1, 4, 32, 32)
    assert batch.inputs["depth"].dtype == torch.float32
    assert batch.valid == {}
    assert batch.context.row.tolist() == [4, 1]
    assert torch.allclose(batch.context.times_s[0], torch.tensor([0.1, 0.3, 0.5, 0.7]).double())
    assert batch.context.crop_to_source[0].tolist() == [[64, 0, 0], [0, 64, -8]]
    assert batch.context.camera[1].tolist() == list(CAMERA)
    assert batch.context.depth_ref_mm.tolist() == [2000, 2000]
    pose = batch.targets["pose"]
    assert pose.value.shape == (2, 4, JOINTS, 3)
    assert pose.mask.all()
    assert batch.targets["gesture"].value.tolist() == [1, 1]
    spots = centroid(batch.inputs["depth"][:, 0])
    assert (spots - pose.value[:, :, 0, :2]).abs().max() * 32 < 0.4


@pytest.mark.parametrize("modality", ["depth", "rgb"])
def test_pictures_and_joints_agree_under_augmentation(tmp_path, modality):
    right_hand = get_skeleton("kinect-20").index("r_hand")
    mirrored = int(get_skeleton("kinect-20").mirror()[right_hand])
    table = sample_table(tmp_path, joint=right_hand, modality=modality)
    options = FULL.model_copy(update={"erase": 0.0, "noise": (0.0, 0.0), "contrast": (1.0, 1.0)})
    targets = (pose_spec(),)
    spec = SPEC.model_copy(update={"modality": modality})
    flips = 0
    for epoch in range(4):
        batch = make_batch(table, range(6), spec, targets, augment=options, key=(0, epoch))
        linear = batch.context.crop_to_source[:, :, :2]
        flipped = torch.linalg.det(linear) < 0
        flips += int(flipped.sum())
        joint = torch.where(flipped, mirrored, right_hand)
        value = batch.targets["pose"].value[torch.arange(6), :, joint, :2]
        spots = centroid(batch.inputs[modality].mean(dim=1))
        assert (spots - value).abs().max() * 32 < 0.6
    assert 4 < flips < 20


def test_recorded_crop_leads_back_to_source_pixels(tmp_path):
    table = sample_table(tmp_path)
    options = FULL.model_copy(update={"flip": 0.0})
    spec = SPEC.model_copy(update={"frames": 8})  # all frames, so indices are known
    options = options.model_copy(update={"speed": (1.0, 1.0), "duration": (1.0, 1.0)})
    batch = make_batch(table, range(6), spec, TARGETS, augment=options)
    uv, affine = batch.targets["pose"].value[..., :2], batch.context.crop_to_source
    back = torch.einsum("bij,btkj->btki", affine[:, :, :2], uv) + affine[:, None, None, :, 2]
    stored = np.load(tmp_path / "joints.npy").reshape(6, 8, JOINTS, 3)[..., :2]
    assert torch.allclose(back, torch.from_numpy(stored), atol=1e-3)


def test_shrinking_large_pictures_keeps_places(tmp_path):
    table = sample_table(tmp_path)
    spec = SPEC.model_copy(update={"size": 16})
    batch = make_batch(table, range(6), spec, TARGETS, augment=None)
    spots = centroid(batch.inputs["depth"][:, 0])
    assert (spots - batch.targets["pose"].value[:, :, 0, :2]).abs().max() * 16 < 0.5


def test_center_crop_masks_joints_outside(tmp_path):
    table = sample_table(tmp_path)
    joints = np.load(tmp_path / "joints.npy")
    joints[:, 3, 0] = 4.0  # left of the middle 48 columns
    np.save(tmp_path / "joints.npy", joints)
    spec = SPEC.model_copy(update={"crop": "center"})
    pose = make_batch(table, [0], spec, TARGETS, augment=None).targets["pose"]
    assert not pose.mask[:, :, 3].any()
    assert pose.mask[:, :, 4].all()
    assert (pose.value[:, :, 3] == 0).all()


def test_unannotated_joints_are_masked_and_finite(tmp_path):
    table = sample_table(tmp_path)
    joints = np.load(tmp_path / "joints.npy")
    joints[:, 2] = np.nan
    joints[:, 5, 2] = np.nan  # coordinates without an annotation mean nothing
    joints[:, 6, 2] = 0.0  # hidden, but annotated
    joints[:, 7, 0] = np.inf
    np.save(tmp_path / "joints.npy", joints)
    pose = make_batch(table, [0], SPEC, TARGETS, augment=FULL).targets["pose"]
    pose_plain = make_batch(table, [0], SPEC, TARGETS, augment=None).targets["pose"]
    for target in (pose, pose_plain):
        assert torch.isfinite(target.value).all()
        assert not target.mask[:, :, [2, 5, 7]].any()
    assert pose_plain.mask[:, :, 6].all()
    assert (pose_plain.value[:, :, 6, 2] == 0).all()
    assert (pose_plain.value[:, :, 4, 2] == 1).all()


def test_erased_joints_are_hidden_but_stay_annotated(tmp_path):
    table = sample_table(tmp_path)
    options = AugmentConfig(erase=1.0, erase_side=(1.0, 1.0))
    batch = make_batch(table, range(3), SPEC, TARGETS, augment=options)
    assert (batch.inputs["depth"] == 0).all()
    assert batch.targets["pose"].mask.all()
    assert (batch.targets["pose"].value[..., 2] == 0).all()


def test_a_row_is_the_same_in_any_batch(tmp_path):
    table = sample_table(tmp_path)
    together = make_batch(table, range(6), SPEC, TARGETS, augment=FULL, key=(1, 2))
    for row in (0, 3):
        alone = make_batch(table, [row], SPEC, TARGETS, augment=FULL, key=(1, 2))
        assert torch.equal(alone.inputs["depth"][0], together.inputs["depth"][row])
        assert torch.equal(alone.targets["pose"].value[0], together.targets["pose"].value[row])
        assert torch.equal(alone.context.times_s[0], together.context.times_s[row])
    other = make_batch(table, [0], SPEC, TARGETS, augment=FULL, key=(1, 3))
    assert not torch.equal(other.inputs["depth"][0], together.inputs["depth"][0])


def test_passes_stand_in_for_the_epoch(tmp_path):
    table = sample_table(tmp_path)
    mixed = make_batch(table, [0, 0], SPEC, TARGETS, augment=FULL, passes=np.array([2, 5]))
    for b, number in enumerate((2, 5)):
        alone = make_batch(table, [0], SPEC, TARGETS, augment=FULL, key=(0, number))
        assert torch.equal(alone.inputs["depth"][0], mixed.inputs["depth"][b])


def test_flips_follow_labels(tmp_path):
    """A swipe to the left becomes one to the right; a salute, which has no mirror, stays."""
    table = sample_table(tmp_path)
    batch = make_batch(table, range(6), SPEC, TARGETS, augment=AugmentConfig(flip=1.0))
    flipped = torch.linalg.det(batch.context.crop_to_source[:, :, :2]) < 0
    assert flipped.tolist() == [True, True, False] * 2
    assert batch.targets["gesture"].value.tolist() == [1, 0, 2] * 2


def test_no_label_survives_a_flip_wrongly(tmp_path):
    table = sample_table(tmp_path, rows=6)
    for epoch in range(5):
        batch = make_batch(
            table, range(6), SPEC, TARGETS, augment=AugmentConfig(flip=0.5), key=(0, epoch)
        )
        flipped = torch.linalg.det(batch.context.crop_to_source[:, :, :2]) < 0
        stored = torch.from_numpy(table.columns["gesture"].values)
        image = torch.tensor([1, 0, 2])[stored]
        assert torch.equal(batch.targets["gesture"].value, torch.where(flipped, image, stored))
        assert not flipped[stored == 2].any()


def test_every_label_of_a_row_must_have_a_mirror_image(tmp_path):
    table = sample_table(tmp_path)
    actions = LabelSpace("actions", ("turn_left", "walk"), {"turn_left": None, "walk": "walk"})
    column = ClassColumn(values=np.array([0, 1, UNLABELED, 0, 1, 1]), space=actions)
    table = replace(table, columns={**table.columns, "action": column})
    action = TargetSpec(
        task="action",
        column="action",
        form="class",
        table=np.arange(2),
        mirror=actions.mirror_table(),
    )
    batch = make_batch(table, range(6), SPEC, (*TARGETS, action), augment=AugmentConfig(flip=1.0))
    flipped = torch.linalg.det(batch.context.crop_to_source[:, :, :2]) < 0
    assert flipped.tolist() == [False, True, False, False, True, False]
    assert batch.targets["action"].present.tolist() == [True, True, False, True, True, True]


def mm_table(tmp_path, **given):
    """Hold joints in mm in place of pixels: depth grows with the joint's number."""
    table = sample_table(tmp_path)
    pixels = np.load(tmp_path / "joints.npy")
    depth = np.broadcast_to(1800 + 20 * np.arange(JOINTS, dtype=np.float32), pixels.shape[:2])
    fx, fy, cx, cy = CAMERA
    x, y = (pixels[..., 0] - cx) * depth / fx, (pixels[..., 1] - cy) * depth / fy
    np.save(tmp_path / "mm.npy", np.stack([x, y, depth, pixels[..., 2]], axis=-1))
    sources = np.char.replace(table.columns["pose"].sources, "joints.npy", "mm.npy")
    column = JointsColumn(sources=sources, skeleton="kinect-20", unit="mm")
    return replace(table, columns={**table.columns, "pose": column}, **given)


def test_joints_in_mm_are_projected_and_their_depth_normalized(tmp_path):
    flat = make_batch(sample_table(tmp_path), [2], SPEC, (pose_spec(),), augment=None)
    batch = make_batch(mm_table(tmp_path), [2], SPEC, (pose_spec(3),), augment=None)
    value = batch.targets["pose"].value
    assert value.shape[-1] == 4
    assert torch.allclose(value[..., :2], flat.targets["pose"].value[..., :2], atol=1e-5)
    depth = 1800 + 20 * torch.arange(JOINTS)
    assert torch.allclose(value[0, 0, :, 2], (depth - 2000) / 2000 + 0.5)
    two = make_batch(mm_table(tmp_path), [2], SPEC, (pose_spec(2),), augment=None)
    assert torch.allclose(two.targets["pose"].value, flat.targets["pose"].value, atol=1e-5)


def test_joints_behind_the_camera_are_masked(tmp_path):
    table = mm_table(tmp_path)
    joints = np.load(tmp_path / "mm.npy")
    joints[:, 1, 2] = [-500.0] * len(joints)
    joints[:, 2, 2] = 0.0
    np.save(tmp_path / "mm.npy", joints)
    pose = make_batch(table, [0], SPEC, (pose_spec(3),), augment=None).targets["pose"]
    assert not pose.mask[:, :, 1:3].any()
    assert pose.mask[:, :, 3:].all()
    assert torch.isfinite(pose.value).all()


def test_a_depth_shift_moves_grey_reference_and_target_together(tmp_path):
    table = mm_table(tmp_path)
    options = AugmentConfig(depth_shift_mm=(151.26, 151.27))  # 20 grey steps
    spec = SPEC.model_copy(update={"size": 64})
    plain = make_batch(table, [0], spec, (pose_spec(3),), augment=None)
    moved = make_batch(
        table, [0], spec.model_copy(update={"frames": 8}), (pose_spec(3),), augment=options
    )
    assert moved.context.depth_ref_mm.item() == pytest.approx(2000 - 151.265, abs=0.01)
    z, shifted = plain.targets["pose"].value[0, 0, :, 2], moved.targets["pose"].value[0, 0, :, 2]
    assert torch.allclose(shifted - z, torch.full_like(z, 151.265 / 2000), atol=1e-5)
    assert moved.inputs["depth"].max().item() == pytest.approx(230 / 255, abs=1e-6)
    assert plain.inputs["depth"].max().item() == pytest.approx(250 / 255, abs=1e-6)
    assert (moved.inputs["depth"][..., 0, 0] == 0).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"camera_matrix": np.full((6, 4), np.nan)}, "made:2.*camera matrix"),
        ({"depth_ref_mm": np.full(6, np.nan)}, "made:2.*depth_ref_mm"),
    ],
)
def test_mm_without_camera_or_reference_is_refused(tmp_path, given, message):
    with pytest.raises(RowError, match=message):
        make_batch(mm_table(tmp_path, **given), [2], SPEC, (pose_spec(3),), augment=None)


def test_another_layout_is_converted(tmp_path):
    target = TargetSpec(task="pose", column="pose", form="joints", skeleton="coco-17")
    pose = make_batch(sample_table(tmp_path), [0], SPEC, (target,), augment=None).targets["pose"]
    coco, kinect = get_skeleton("coco-17"), get_skeleton("kinect-20")
    source = make_batch(sample_table(tmp_path), [0], SPEC, (pose_spec(),), augment=None)
    wrist = source.targets["pose"].value[:, :, kinect.index("l_wrist")]
    assert torch.allclose(pose.value[:, :, coco.index("l_wrist")], wrist)
    assert not pose.mask[:, :, coco.index("nose")].any()


def test_rows_without_joints_are_absent(tmp_path):
    table = sample_table(tmp_path)
    column = table.columns["pose"]
    sources = np.where(np.arange(6) % 2 == 0, column.sources, "")
    table = replace(table, columns={"pose": replace(column, sources=sources)})
    batch = make_batch(table, range(3), SPEC, TARGETS, augment=FULL)
    assert batch.targets["pose"].present.tolist() == [True, False, True]
    assert torch.isfinite(batch.targets["pose"].value).all()
    assert "gesture" not in batch.targets
    assert not batch.present(["gesture"])["gesture"].any()


def union_case(tmp_path, second):
    table = sample_table(tmp_path, rows=3)
    space = LabelSpace("actions", ("sit", "stand"))
    columns = {
        "gesture": replace(table.columns["gesture"], values=np.array([2, UNLABELED, UNLABELED])),
        "action": ClassColumn(values=np.array(second), space=space),
    }
    action = TargetSpec(task="action", column="action", form="class", table=np.arange(2))
    union = TargetSpec(task="all", column="", form="union", parts=(("gesture", 0), ("action", 3)))
    return replace(table, columns=columns), (gesture_spec(), action, union)


def test_a_union_takes_over_whichever_label_there_is(tmp_path):
    table, targets = union_case(tmp_path, [UNLABELED, 1, UNLABELED])
    union = make_batch(table, range(3), SPEC, targets, augment=None).targets["all"]
    assert union.value.tolist() == [2, 4, UNLABELED]
    assert union.present.tolist() == [True, True, False]


def test_a_union_refuses_two_labels(tmp_path):
    table, targets = union_case(tmp_path, [0, 1, UNLABELED])
    with pytest.raises(ValueError, match=r"made:0.*gesture, action.*found several"):
        make_batch(table, range(3), SPEC, targets, augment=None)


def test_unmapped_classes_are_absent(tmp_path):
    target = gesture_spec(table=np.array([0, UNLABELED, 1]))
    got = make_batch(sample_table(tmp_path), range(3), SPEC, (target,), augment=None)
    assert got.targets["gesture"].present.tolist() == [True, False, True]
    assert got.targets["gesture"].value.tolist() == [0, UNLABELED, 1]


def test_rows_without_the_medium_are_not_valid(tmp_path):
    table = sample_table(tmp_path)
    sources = table.media["depth"].copy()
    sources[1] = ""
    table = replace(table, media={"depth": sources})
    batch = make_batch(table, range(3), SPEC, TARGETS, augment=FULL)
    assert batch.valid["depth"].tolist() == [True, False, True]
    assert (batch.inputs["depth"][1] == 0).all()
    assert batch.targets["pose"].present.tolist() == [True, False, True]
    assert batch.targets["gesture"].present.all()
    assert torch.isfinite(batch.targets["pose"].value).all()
    none = make_batch(table, [1], SPEC, TARGETS, augment=None)
    assert none.inputs["depth"].shape == (1, 1, 4, 32, 32)


def test_pictures_of_different_sizes_meet_in_one_batch(tmp_path):
    table = sample_table(tmp_path, rows=2)
    rng = np.random.default_rng(0)
    np.save(tmp_path / "other.npy", rng.integers(0, 256, (8, 32, 32), dtype=np.uint8))
    sources = np.array([table.media["depth"][0], f"{tmp_path}/other.npy"])
    table = replace(table, media={"depth": sources})
    batch = make_batch(table, [0, 1], SPEC, (gesture_spec(),), augment=None)
    stored = np.load(tmp_path / "other.npy")[[1, 3, 5, 7]] / np.float32(255)
    assert torch.allclose(batch.inputs["depth"][1, 0], torch.from_numpy(stored), atol=1e-6)
    assert batch.context.crop_to_source[1].tolist() == [[32, 0, 0], [0, 32, 0]]


def test_spans_and_temporal_crops_stay_inside(tmp_path):
    table = sample_table(tmp_path)
    start, end = np.full(6, 0.2), np.full(6, 0.6)
    joints = np.load(tmp_path / "joints.npy").reshape(6, 8, JOINTS, 3)[:, 2:6]
    np.save(tmp_path / "joints.npy", joints.reshape(24, JOINTS, 3))
    column = table.columns["pose"]
    sources = np.array([f"{tmp_path}/joints.npy#{i * 4}:{i * 4 + 4}" for i in range(6)])
    table = replace(
        table, start_s=start, end_s=end, columns={"pose": replace(column, sources=sources)}
    )
    for augment in (None, AugmentConfig(duration=(0.5, 0.9))):
        batch = make_batch(table, range(6), SPEC, (pose_spec(),), augment=augment)
        assert batch.context.times_s.min() >= 0.2
        assert batch.context.times_s.max() <= 0.5 + 1e-9
        spots = centroid(batch.inputs["depth"][:, 0])
        assert (spots - batch.targets["pose"].value[:, :, 0, :2]).abs().max() * 32 < 0.4


def test_joints_of_another_length_name_the_row(tmp_path):
    table = replace(sample_table(tmp_path), end_s=np.full(6, 0.4))
    with pytest.raises(RowError, match=r"made:1: .*joints.npy#8:16: expected joints \[4, J, 3\]"):
        make_batch(table, [1], SPEC, TARGETS, augment=None)


def test_broken_rows_are_named_or_dropped(tmp_path):
    table = sample_table(tmp_path)
    sources = table.media["depth"].copy().astype("<U200")
    sources[2] = str(tmp_path / "missing.npy")
    table = replace(table, media={"depth": sources})
    with pytest.raises(RowError, match=r"made:2: .*missing\.npy"):
        make_batch(table, range(4), SPEC, TARGETS, augment=FULL)
    batch, failures = assemble(table, range(4), SPEC, TARGETS, augment=FULL, skip=True)
    assert batch.context.row.tolist() == [0, 1, 3]
    assert len(failures) == 1
    assert failures[0].startswith("made:2: ")
    whole = make_batch(sample_table(tmp_path), range(4), SPEC, TARGETS, augment=FULL)
    assert torch.equal(batch.inputs["depth"], whole.inputs["depth"][[0, 1, 3]])
    assert torch.equal(batch.targets["pose"].value, whole.targets["pose"].value[[0, 1, 3]])
    assert assemble(table, [2], SPEC, TARGETS, augment=None, skip=True)[0] is None


def test_test_clips_differ_and_cover(tmp_path):
    table = sample_table(tmp_path)
    clips = [make_batch(table, [0], SPEC, TARGETS, augment=None, clip=k, clips=2) for k in range(2)]
    times = torch.cat([clip.context.times_s[0] for clip in clips])
    assert sorted((times * 10).round().long().tolist()) == list(range(8))


def test_arrays_of_numbers_become_inputs(tmp_path):
    values = np.random.default_rng(0).normal(size=(2, 8, 3, 6)).astype(np.float32)
    values[1, 1, 2, 0] = np.nan
    np.save(tmp_path / "imu.npy", values.reshape(16, 3, 6))
    table = make_table(
        "worn", {"imu": [f"{tmp_path}/imu.npy#0:8", f"{tmp_path}/imu.npy#8:16"]}, fps=[50.0, 50.0]
    )
    spec = SPEC.model_copy(update={"modality": "imu"})
    batch = make_batch(table, [0, 1], spec, (), augment=None)
    assert batch.inputs["imu"].shape == (2, 4, 3, 6)
    middles = torch.from_numpy(values[0].reshape(4, 2, 3, 6).mean(1))
    torch.testing.assert_close(batch.inputs["imu"][0], middles)
    assert torch.isfinite(batch.inputs["imu"]).all()
    assert batch.valid["imu"].shape == (2, 4, 3, 6)
    assert (~batch.valid["imu"]).nonzero().tolist() == [[1, 0, 2, 0]]  # that channel alone


def test_media_without_a_clock_have_no_times(tmp_path):
    table = replace(sample_table(tmp_path), fps=np.full(6, np.nan))
    batch = make_batch(table, [0], SPEC, TARGETS, augment=None)
    assert batch.context.times_s.isnan().all()
