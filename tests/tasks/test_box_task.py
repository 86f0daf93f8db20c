"""The task of boxes: its loss pulls from afar, its answers are source pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.data import Context, JointsColumn, Target, make_table
from onebody.tasks.box import BoxConfig, BoxTask, generalized_iou

TASK = BoxTask(name="place", column="joints", margin=1.0)


def make_context(linear=((200.0, 0.0), (0.0, 100.0)), shift=(40.0, 10.0)):
    affine = torch.cat([torch.tensor(linear), torch.tensor(shift)[:, None]], 1)
    return Context(
        row=torch.tensor([7]),
        times_s=torch.zeros(1, 1),
        crop_to_source=affine[None],
        camera=torch.full((1, 4), torch.nan),
        depth_ref_mm=torch.full((1,), torch.nan),
    )


def target(*boxes, mask=None):
    value = torch.tensor([list(boxes)])
    return Target(value=value, present=torch.ones(1, dtype=torch.bool), mask=mask)


def test_generalized_iou_by_hand():
    one = torch.tensor([0.0, 0, 1, 1]).expand(4, 4)
    other = torch.tensor([[0.0, 0, 1, 1], [0.5, 0, 1.5, 1], [2, 0, 3, 1], [5, 0, 6, 1]])
    expected = [1.0, 1 / 3, -1 / 3, -4 / 6]  # apart: less the empty part of the box around both
    torch.testing.assert_close(generalized_iou(one, other), torch.tensor(expected))
    torch.testing.assert_close(generalized_iou(other, one), torch.tensor(expected))


def test_the_loss_by_hand():
    found = torch.tensor([[[0.0, 0, 0.5, 1]]])
    assert TASK.loss(found, target([0.0, 0, 1.0, 1])).item() == pytest.approx(0.5 + 1 - 0.5)


def test_boxes_far_apart_are_drawn_together():
    found = torch.tensor([[[0.0, 0, 0.1, 0.1]]])
    true = target([0.8, 0.8, 0.9, 0.9])
    for step in range(200):
        found = found.detach().requires_grad_()
        TASK.loss(found, true).sum().backward()
        found = found - 0.0001 * (200 - step) * found.grad
    assert TASK.loss(found, true).item() < 0.4
    assert found.detach()[0, 0].numpy() == pytest.approx([0.8, 0.8, 0.9, 0.9], abs=0.02)


def test_unknown_frames_cost_nothing():
    mask = torch.tensor([[True, False]])
    true = target([0.0, 0, 1, 1], [torch.nan] * 4, mask=mask)
    found = torch.tensor([[[0.0, 0, 1, 1], [torch.inf] * 4]], requires_grad=True)
    loss = TASK.loss(found, true)
    loss.sum().backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(found.grad).all()
    assert len(TASK.collect(found, true, make_context())) == 1
    nothing = replace(true, mask=torch.zeros(1, 2, dtype=torch.bool))
    assert TASK.loss(found, nothing).item() == 0


def test_answers_are_source_pixels_mirrored_and_turned():
    box = torch.tensor([[[0.1, 0.2, 0.4, 0.6]]])
    assert TASK.decode(box, make_context())[0, 0].tolist() == pytest.approx([60, 30, 120, 70])
    mirrored = make_context(((-200.0, 0.0), (0.0, 100.0)), (240.0, 10.0))
    assert TASK.decode(box, mirrored)[0, 0].tolist() == pytest.approx([160, 30, 220, 70])
    turned = make_context(((0.0, -100.0), (100.0, 0.0)), (100.0, 0.0))  # by a right angle
    assert TASK.decode(box, turned)[0, 0].tolist() == pytest.approx([40, 10, 80, 40])


def test_unequal_frames_are_refused():
    with pytest.raises(ValueError, match="expects outputs shaped like its targets"):
        TASK.loss(torch.zeros(1, 2, 4), target([0.0, 0, 1, 1]))


def test_where_boxes_come_from():
    column = JointsColumn(sources=np.array(["a.npy", ""]), skeleton="mpii-16", unit="px")
    table = make_table("set", {"rgb": ["a.mp4", "b.mp4"]}, columns={"joints": column})
    with pytest.raises(ValueError, match="has a person's box in any row"):
        BoxConfig().resolve("place", [table], {})
    with pytest.raises(ValueError, match="Did you mean 'joints'"):
        BoxConfig(column="joint").resolve("place", [table], {})
    own = BoxConfig(column="joints", margin=1.2).resolve("place", [table], {})
    assert (own.name, own.column) == ("place", "joints")
    assert TASK.target_spec(table).skeleton == "mpii-16"
    boxed = replace(table, box=np.array([[0.0, 0, 5, 5], [np.nan] * 4]))
    assert BoxConfig().resolve("place", [table, boxed], {}).column == "box"
    of_table = BoxTask(name="place", column="box", margin=1.0)
    assert of_table.target_spec(boxed).skeleton == ""
