"""Human3.6M's figures against plain loops: SPNet's, PA-MPJPE, means over frames and actions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, Context, Target, make_table
from onebody.evaluation import figures, groups_of, mean_of_figures, mean_over_groups
from onebody.labels import symmetric
from onebody.tasks import Pose3DTask

TASK = Pose3DTask(name="pose", column="pose3d", skeleton="h36m-17")
ACTIONS = ("Eating", "Sitting", "Walking")
OF_ROW = [0, 0, 0, 1, 2, 2, -1]
ROWS = len(OF_ROW)


@pytest.fixture(scope="module")
def measured():
    """Stills with crops and cameras of their own, and what a network said of them."""
    rng = np.random.default_rng(3)
    crop = np.zeros((ROWS, 2, 3))
    crop[:, 0, 0] = crop[:, 1, 1] = rng.uniform(300, 500, ROWS)
    crop[:, :, 2] = rng.uniform(100, 300, (ROWS, 2))
    context = Context(
        row=torch.arange(ROWS),
        times_s=torch.zeros(ROWS, 1),
        crop_to_source=torch.tensor(crop, dtype=torch.float32),
        camera=torch.tensor(
            rng.uniform([1100, 1100, 500, 500], [1200, 1200, 520, 520], (ROWS, 4)),
            dtype=torch.float32,
        ),
        depth_ref_mm=torch.tensor(rng.uniform(3000, 6000, ROWS), dtype=torch.float32),
    )
    truth = rng.uniform(0.2, 0.8, (ROWS, 1, 17, 4))
    truth[:, :, 0, 2] = 0.5  # the root lies at the reference
    truth[..., 3] = 1
    output = truth + rng.normal(0, 0.02, truth.shape)
    target = Target(
        value=torch.tensor(truth, dtype=torch.float32), present=torch.ones(ROWS, dtype=torch.bool)
    )
    given = torch.tensor(output, dtype=torch.float32)
    return TASK.collect(given, target, context), truth, output, context


def in_space(values, context, row):
    """Un-project ``[17, 4]`` crop fractions and depths of one still, joint by joint."""
    fx, fy, cx, cy = context.camera[row].double().tolist()
    affine = context.crop_to_source[row].double().numpy()
    reference = float(context.depth_ref_mm[row])
    joints = []
    for x, y, z, _ in values:
        u, v = affine @ [x, y, 1.0]
        away = 2000 * (z - 0.5) + reference
        joints.append(((u - cx) * away / fx, (v - cy) * away / fy, away))
    return np.array(joints)


def naive_errors(truth, output, context):
    """MPJPE of every still: both poses relative to their own root, 17 joints with the root."""
    errors = []
    for row in range(ROWS):
        true, said = (in_space(v[row, 0], context, row) for v in (truth, output))
        total = 0.0
        for joint in range(17):
            total += np.linalg.norm((said[joint] - said[0]) - (true[joint] - true[0]))
        errors.append(total / 17)
    return errors


def naive_aligned(said, true):
    """Mean distance after the best similarity transform: Horn's quaternion, then scale."""
    a, b = said - said.mean(0), true - true.mean(0)
    s = a.T @ b
    delta = np.array([s[1, 2] - s[2, 1], s[2, 0] - s[0, 2], s[0, 1] - s[1, 0]])
    n = np.block([[np.trace(s), delta], [delta[:, None], s + s.T - np.trace(s) * np.eye(3)]])
    w, x, y, z = np.linalg.eigh(n)[1][:, -1]
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    turned = a @ turn.T
    moved = turned * (turned * b).sum() / (turned**2).sum()
    return np.linalg.norm(moved - b, axis=1).mean()


def over_actions(values):
    """Average first within, then over the actions."""
    parts = [[v for v, a in zip(values, OF_ROW, strict=True) if a == k] for k in range(3)]
    return float(np.mean([np.mean(part) for part in parts]))


def groups():
    column = ClassColumn(values=np.array(OF_ROW), space=symmetric("actions", ACTIONS))
    table = make_table("h36m", {"rgb": ["a"] * ROWS}, columns={"action": column})
    return groups_of(table, "action")


def test_spnet_measures_with_the_true_depth_of_the_root(measured):
    results, truth, output, context = measured
    errors = naive_errors(truth, output, context)
    found = figures({"pose": TASK}, {"pose": results})["pose"]
    assert found["mpjpe"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert found["mpjpe"] > 10


def test_the_root_counts_as_exact(measured):
    results, *_ = measured
    said = results.prediction - results.prediction[:, :1]
    true = results.target - results.target[:, :1]
    away = np.linalg.norm(said - true, axis=-1)
    found = figures({"pose": TASK}, {"pose": results})["pose"]["mpjpe"]
    assert found == pytest.approx(away[:, 1:].mean() * 16 / 17, rel=1e-5)


def test_aligned_errors(measured):
    results, truth, output, context = measured
    errors = [
        naive_aligned(in_space(output[r, 0], context, r), in_space(truth[r, 0], context, r))
        for r in range(ROWS)
    ]
    found = figures({"pose": TASK}, {"pose": results})["pose"]
    assert found["pa_mpjpe"] == pytest.approx(np.mean(errors), rel=1e-4)
    mean = mean_over_groups({"pose": TASK}, {"pose": results}, groups())["pose"]
    assert mean["pa_mpjpe"] == pytest.approx(over_actions(errors), rel=1e-4)


def test_the_mean_over_actions_is_not_that_over_frames(measured):
    results, truth, output, context = measured
    errors = naive_errors(truth, output, context)
    found = mean_over_groups({"pose": TASK}, {"pose": results}, groups())["pose"]
    assert found["mpjpe"] == pytest.approx(over_actions(errors), rel=1e-4)
    assert abs(found["mpjpe"] - np.mean(errors)) > 0.01


def test_groups_are_classes_or_what_is_known_of_rows(measured):
    assert groups().tolist() == [*["Eating"] * 3, "Sitting", "Walking", "Walking", ""]
    table = make_table("set", {"rgb": ["a", "b"]}, subject=["S9", "S11"])
    assert groups_of(table, "subject").tolist() == ["S9", "S11"]
    with pytest.raises(ValueError, match="expected a class column to group rows by, found 'act'"):
        groups_of(table, "act")


def test_a_metric_that_measures_nothing_in_a_group_is_no_part_of_its_mean():
    found = mean_of_figures([{"a": 1.0, "b": np.nan}, {"a": 3.0, "b": np.nan}, {"a": np.nan}])
    assert found["a"] == 2
    assert np.isnan(found["b"])
    assert mean_of_figures([]) == {}
