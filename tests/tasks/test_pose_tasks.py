import math

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, Context, JointsColumn, Target, make_table
from onebody.labels import symmetric
from onebody.metrics import mean_error
from onebody.skeletons import get_skeleton
from onebody.tasks import Pose2DConfig, Pose3DConfig, build_tasks, resolve_tasks
from onebody.tasks.pose2d import Pose2DTask, box_side, crop_side, head_joints, trunk_joints
from onebody.tasks.pose3d import Pose3DTask

J = 16
FLAT = Pose2DTask(name="pose", column="pose", skeleton="mpii-16")
DEEP = Pose3DTask(name="pose", column="pose", skeleton="mpii-16")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def make_context(rows=1, crop=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), **given):
    values = {
        "row": torch.arange(rows),
        "times_s": torch.zeros(rows, 1),
        "crop_to_source": torch.tensor(crop).repeat(rows, 1, 1),
        "camera": torch.tensor([500.0, 400.0, 160.0, 120.0]).repeat(rows, 1),
        "depth_ref_mm": torch.full((rows,), 2500.0),
    }
    return Context(**(values | given))


def make_table_of(skeleton="mpii-16", unit="px", name="set"):
    joints = JointsColumn(sources=np.array(["a.npy"]), skeleton=skeleton, unit=unit)
    return make_table(name, {"rgb": ["a.mp4"]}, columns={"pose": joints})


def test_joints_of_a_body_are_none_of_a_hand():
    with pytest.raises(ValueError, match="in common with 'mpii-16', found 'hand-21'"):
        resolve_tasks({"pose": Pose2DConfig(skeleton="hand-21")}, [make_table_of()])


def naive_loss(output, value, mask, dims):
    """Per sample, joint by joint, in plain numbers."""
    losses = []
    for n in range(len(output)):
        place, seen, count = 0.0, 0.0, 0
        for t in range(output.shape[1]):
            for j in range(output.shape[2]):
                if not mask[n, t, j]:
                    continue
                count += 1
                d = [float(output[n, t, j, k] - value[n, t, j, k]) for k in range(dims)]
                place += sum(abs(x) for x in d) + sum(x * x for x in d)
                p, v = float(output[n, t, j, dims]), float(value[n, t, j, dims])
                seen -= v * math.log(p) + (1 - v) * math.log(1 - p)
        losses.append((place + 0.01 * seen) / count)
    return losses


@pytest.mark.parametrize("task", [FLAT, DEEP])
def test_loss_equals_the_loop(task):
    generator = torch.Generator().manual_seed(0)
    shape = (3, 4, J, task.dims + 1)
    output = 0.05 + 0.9 * torch.rand(shape, generator=generator)
    value = torch.rand(shape, generator=generator)
    value[..., -1] = (value[..., -1] > 0.4).float()
    mask = torch.rand(shape[:-1], generator=generator) > 0.3
    target = Target(value=value, present=torch.ones(3, dtype=torch.bool), mask=mask)
    expected = naive_loss(output, value, mask, task.dims)
    assert task.loss(output, target).tolist() == pytest.approx(expected, rel=1e-4)


def test_a_missing_mask_means_all_annotated():
    value = torch.rand(2, 3, J, 3).round()
    output = torch.rand(2, 3, J, 3)
    present = torch.ones(2, dtype=torch.bool)
    full = torch.ones(2, 3, J, dtype=torch.bool)
    torch.testing.assert_close(
        FLAT.loss(output, Target(value=value, present=present)),
        FLAT.loss(output, Target(value=value, present=present, mask=full)),
    )


def test_visibility_that_is_unknown_costs_nothing():
    value, output = torch.zeros(1, 1, J, 3), torch.zeros(1, 1, J, 3)
    value[..., 2] = math.nan
    target = Target(value=value, present=torch.ones(1, dtype=torch.bool))
    output.requires_grad_()
    loss = FLAT.loss(output, target)
    loss.sum().backward()
    assert loss.item() == 0
    assert torch.isfinite(output.grad).all()


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_certain_confidences_have_a_finite_loss(sure):
    value = torch.zeros(1, 1, J, 3)
    value[..., 2] = 1 - sure
    output = torch.zeros(1, 1, J, 3)
    output[..., 2] = sure
    output.requires_grad_()
    loss = FLAT.loss(output, Target(value=value, present=torch.ones(1, dtype=torch.bool)))
    loss.sum().backward()
    assert loss.item() == pytest.approx(-0.01 * math.log(1e-6), rel=0.02)
    assert torch.isfinite(output.grad).all()


def test_2d_decodes_to_source_pixels():
    # A crop of 200 px with its corner at (40, 10).
    context = make_context(2, crop=((200.0, 0.0, 40.0), (0.0, 200.0, 10.0)))
    output = torch.zeros(2, 1, J, 3)
    output[1, 0, 4] = torch.tensor([0.5, 0.25, 1.7])
    joints = FLAT.decode(output, context)
    assert joints.shape == (2, 1, J, 3)
    assert joints[0, 0, 0].tolist() == [40, 10, 0]
    assert joints[1, 0, 4].tolist() == [140, 60, 1]  # confidence is a probability


def test_2d_decodes_turned_crops():
    context = make_context(crop=((0.0, -100.0, 300.0), (100.0, 0.0, 50.0)))
    output = torch.zeros(1, 1, J, 3)
    output[0, 0, 0, :2] = torch.tensor([1.0, 0.5])
    assert FLAT.decode(output, context)[0, 0, 0, :2].tolist() == [250, 150]


def test_crop_side_ignores_turn_and_mirror():
    turn = 0.3
    c, s = 80 * math.cos(turn), 80 * math.sin(turn)
    maps = torch.tensor([[[c, -s, 5.0], [s, c, 9.0]], [[-c, -s, 5.0], [-s, c, 9.0]]])
    assert crop_side(maps).tolist() == pytest.approx([80, 80])


def test_box_side_covers_annotated_joints():
    joints = torch.tensor([[[[0.0, 0.0], [3.0, 7.0], [100.0, 0.0]]]])
    known = torch.tensor([[[True, True, False]]])
    assert box_side(joints, known).tolist() == [[7.0]]
    assert math.isnan(box_side(joints, torch.zeros_like(known)).item())


def test_results_hold_the_lengths():
    head, neck = (get_skeleton("mpii-16").index(n) for n in ("head_top", "upper_neck"))
    value = torch.zeros(2, 1, J, 3)
    value[:, 0, head, 1], value[:, 0, neck, 1] = 0.1, 0.2
    value[:, 0, 0] = torch.tensor([0.5, 0.9, 1.0])
    mask = torch.ones(2, 1, J, dtype=torch.bool)
    mask[1, 0, neck] = False
    target = Target(value=value, present=torch.ones(2, dtype=torch.bool), mask=mask)
    context = make_context(2, crop=((50.0, 0.0, 0.0), (0.0, 50.0, 0.0)))
    scale = FLAT.collect(value, target, context).scale
    assert scale["crop"].tolist() == [50, 50]
    assert scale["box"] == pytest.approx([45, 45])
    assert scale["head"][0] == pytest.approx(5)
    assert math.isnan(scale["head"][1])


def test_an_annotated_head_goes_before_its_joints():
    value = torch.rand(2, 3, J, 3)
    target = Target(value=value, present=torch.ones(2, dtype=torch.bool))
    bare = FLAT.collect(value, target, make_context(2)).scale["head"]
    given = make_context(2, head_px=torch.tensor([4.5, math.nan]))
    scale = FLAT.collect(value, target, given).scale["head"]
    assert scale[:3].tolist() == [4.5] * 3
    assert scale[3:].tolist() == bare[3:].tolist()


def test_pckh_counts_all_joints_but_pelvis_and_thorax():
    assert trunk_joints("mpii-16") == (6, 7)
    assert trunk_joints("spnet-16") == (0, 1)
    value = torch.rand(1, 1, J, 3)
    target = Target(value=value, present=torch.ones(1, dtype=torch.bool))
    output = value.clone()
    output[:, :, 6:8, :2] += 9
    results = FLAT.collect(output, target, make_context(head_px=torch.tensor([1.0])))
    assert FLAT.metrics["pckh"].function(results) == 1
    assert FLAT.metrics["pckh_auc"].function(results) == pytest.approx(1)
    assert FLAT.metrics["pck_crop"].function(results) == pytest.approx(14 / 16)


def test_pckh_is_listed_where_the_layout_has_a_head():
    assert {"pckh", "pckh_auc"} <= set(FLAT.metrics)
    assert head_joints("kinect-20") is None
    assert "pckh" not in Pose2DTask(name="p", column="p", skeleton="kinect-20").metrics


def test_2d_error_is_in_pixels_and_as_share_of_the_crop():
    value = torch.rand(1, 2, J, 3)
    output = value.clone()
    output[..., 0] += 0.03
    output[..., 1] -= 0.04
    target = Target(value=value, present=torch.ones(1, dtype=torch.bool))
    context = make_context(crop=((200.0, 0.0, 40.0), (0.0, 200.0, 10.0)))
    results = FLAT.collect(output, target, context)
    assert FLAT.metrics["error"].function(results) == pytest.approx(10, rel=1e-4)
    assert FLAT.metrics["error_crop"].function(results) == pytest.approx(0.05, rel=1e-4)


def test_3d_decoding_undoes_the_projection():
    generator = torch.Generator().manual_seed(0)
    mm = torch.rand(2, 3, J, 3, generator=generator) * 1000 + torch.tensor([-500.0, -500, 2000])
    fx, fy, cx, cy = 500.0, 400.0, 160.0, 120.0
    u, v = fx * mm[..., 0] / mm[..., 2] + cx, fy * mm[..., 1] / mm[..., 2] + cy
    x, y = (u - 40) / 200, (v - 10) / 200
    z = (mm[..., 2] - 2500) / 2000 + 0.5
    output = torch.stack([x, y, z, torch.ones_like(z)], -1)
    context = make_context(2, crop=((200.0, 0.0, 40.0), (0.0, 200.0, 10.0)))
    torch.testing.assert_close(DEEP.decode(output, context)[..., :3], mm, rtol=1e-4, atol=0.05)


@pytest.mark.parametrize("missing", ["camera", "depth_ref_mm"])
def test_3d_without_a_camera_or_distance_is_unknown(missing):
    context = make_context(2)
    getattr(context, missing)[1] = math.nan
    output = torch.rand(2, 1, J, 4)
    joints = DEEP.decode(output, context)
    assert torch.isnan(joints[1, ..., :3]).all()
    assert torch.isfinite(joints[0]).all()
    target = Target(value=output, present=torch.ones(2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"row 1 has 3D joints but no camera_matrix or depth_ref"):
        DEEP.collect(output, target, context)


def test_3d_metrics_are_relative_to_the_root():
    value = torch.rand(1, 2, J, 4)
    output = value.clone()
    output[..., 2] += 0.1  # 200 mm farther away, all of it
    target = Target(value=value, present=torch.ones(1, dtype=torch.bool))
    context = make_context(camera=torch.tensor([[1e6, 1e6, 0.5, 0.5]]))  # rays all but parallel
    results = DEEP.collect(output, target, context)
    assert mean_error(results) == pytest.approx(200, rel=1e-3)
    assert DEEP.metrics["mpjpe"].function(results) == pytest.approx(0, abs=0.1)
    assert DEEP.metrics["pck3d"].function(results) == 1.0


@pytest.mark.parametrize("config", [Pose2DConfig(), Pose3DConfig()])
def test_the_layout_comes_from_the_column(config):
    tables = [make_table_of("kinect-20", "mm")]
    task = build_tasks(resolve_tasks({"pose": config}, tables))["pose"]
    assert (task.skeleton, task.num_outputs) == ("kinect-20", 20)
    spec = task.target_spec(tables[0])
    assert (spec.skeleton, spec.dims, spec.form) == ("kinect-20", task.dims, "joints")


def test_different_layouts_need_a_choice():
    tables = [make_table_of("kinect-20"), make_table_of("coco-17", name="two")]
    with pytest.raises(ValueError, match=r"different layouts \(coco-17, kinect-20\)\. State"):
        resolve_tasks({"pose": Pose2DConfig()}, tables)
    chosen = resolve_tasks({"pose": Pose2DConfig(skeleton="coco-17")}, tables)["pose"]
    assert chosen.skeleton == "coco-17"


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match=r"Did you mean 'coco-17'"):
        resolve_tasks({"pose": Pose2DConfig(skeleton="coco17")}, [make_table_of()])


def test_3d_needs_joints_in_mm():
    with pytest.raises(ValueError, match=r"expects joints in mm, but column 'pose' .* is in px"):
        DEEP.target_spec(make_table_of(unit="px"))


def test_classes_are_no_joints():
    column = ClassColumn(values=np.zeros(1, np.int64), space=symmetric("s", ["a"]))
    table = make_table("set", {"rgb": ["a.mp4"]}, columns={"pose": column})
    with pytest.raises(ValueError, match=r"expects joints, but column 'pose' .* holds classes"):
        resolve_tasks({"pose": Pose2DConfig()}, [table])


@pytest.mark.parametrize("task", [FLAT, DEEP])
@pytest.mark.parametrize("lens", [True, False])
def test_a_single_frame_is_placed_as_decode_does(task, lens):
    crop = ((200.0, 20.0, 40.0), (-20.0, 200.0, 10.0))
    output = torch.rand(1, 1, J, task.dims + 1) * 1.4 - 0.2
    given = {} if lens else {"camera": torch.full((1, 4), math.nan)}
    context = make_context(crop=crop, **given)
    expected = task.decode(output, context)[0, 0].numpy()
    pixels = FLAT.decode(output[..., [0, 1, -1]], context)[0, 0, :, :2].numpy()
    camera, depth = context.camera[0].tolist(), float(context.depth_ref_mm)
    found = task.placed(output[0, 0].numpy(), pixels, camera, depth)
    assert found.dtype == np.float32
    assert found.shape == (J, task.dims + 1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    assert np.isfinite(found).all() == (lens or task is FLAT)
