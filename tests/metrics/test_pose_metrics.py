import math

import numpy as np
import pytest

from onebody.metrics import (
    Results,
    mean_error,
    mean_error_per_joint,
    pck,
    pck_auc,
    pck_per_joint,
    pose2d_metrics,
    pose3d_metrics,
    relative_error,
)

SCALES = ("crop", "box", "head")


def make(seed=0, frames=9, joints=6, dims=3, noise=0.3):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(frames, joints, dims))
    return Results(
        prediction=target + noise * rng.normal(size=target.shape),
        target=target,
        row=np.arange(frames, dtype=np.int64) // 2,
        mask=rng.random((frames, joints)) < 0.7,
        scale={name: 1 + rng.random(frames) for name in SCALES},
    )


# Hand-written versions, joint by joint.


def naive_errors(results, root=()):
    """(frame, joint, distance) of everything measurable."""
    found = []
    for m in range(len(results)):
        p, t, known = results.prediction[m], results.target[m], results.mask[m]
        if any(not known[r] for r in root):
            continue
        center_p = sum((p[r] for r in root), np.zeros(p.shape[1])) / max(len(root), 1)
        center_t = sum((t[r] for r in root), np.zeros(p.shape[1])) / max(len(root), 1)
        for j in range(p.shape[0]):
            if known[j]:
                d = (p[j] - center_p) - (t[j] - center_t)
                found.append((m, j, math.sqrt(sum(x * x for x in d))))
    return found


def naive_pck(results, threshold, scale, root=()):
    hits = []
    for m, j, distance in naive_errors(results, root):
        limit = threshold * (results.scale[scale][m] if scale else 1)
        hits.append((j, distance < limit))
    return hits


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else math.nan


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("root", [(), (0,), (2, 3)])
def test_mean_error_equals_the_loop(seed, dims, root):
    results = make(seed, dims=dims)
    errors = naive_errors(results, root)
    assert mean_error(results, root) == pytest.approx(mean(d for _, _, d in errors))
    each = mean_error_per_joint(results, root)
    for joint in range(6):
        expected = mean(d for _, j, d in errors if j == joint)
        assert each[joint] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", SCALES)
def test_relative_error_equals_the_loop(seed, scale):
    results = make(seed, dims=2)
    expected = mean(d / results.scale[scale][m] for m, _, d in naive_errors(results))
    assert relative_error(results, scale) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", ["", *SCALES])
@pytest.mark.parametrize("root", [(), (1,)])
def test_pck_equals_the_loop(seed, scale, root):
    results = make(seed)
    hits = naive_pck(results, 0.4, scale, root)
    assert pck(results, 0.4, scale, root) == pytest.approx(mean(h for _, h in hits))
    each = pck_per_joint(results, 0.4, scale, root)
    for joint in range(6):
        expected = mean(h for j, h in hits if j == joint)
        assert each[joint] == pytest.approx(expected, nan_ok=True)


def test_auc_equals_the_loop():
    results = make()
    steps = [1.5 * i / 20 for i in range(1, 21)]
    expected = mean(mean(h for _, h in naive_pck(results, s, "crop")) for s in steps)
    assert pck_auc(results, 1.5, "crop") == pytest.approx(expected)


def test_pck_is_strictly_less():
    target = np.zeros((1, 2, 2))
    prediction = np.array([[[3.0, 4.0], [3.0, 3.99]]])
    results = Results(prediction=prediction, target=target, row=np.zeros(1, np.int64))
    assert pck(results, 5.0) == 0.5
    assert pck_auc(results, 0.0) == 0.0


def test_a_missing_mask_means_all_annotated():
    masked = make()
    results = Results(prediction=masked.prediction, target=masked.target, row=masked.row)
    full = Results(
        prediction=masked.prediction,
        target=masked.target,
        row=masked.row,
        mask=np.ones((9, 6), bool),
    )
    assert mean_error(results) == mean_error(full)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
def test_values_of_unannotated_joints_change_nothing(value):
    results = make()
    prediction, target = results.prediction.copy(), results.target.copy()
    prediction[~results.mask] = value
    target[~results.mask] = -value
    disturbed = Results(
        prediction=prediction,
        target=target,
        row=results.row,
        mask=results.mask,
        scale=results.scale,
    )
    for metric in (pose2d_metrics() | pose3d_metrics((0, 1))).values():
        assert metric.function(disturbed) == metric.function(results)


def test_frames_of_unknown_length_are_left_out():
    results = make()
    scale = results.scale["box"].copy()
    scale[:4] = [np.nan, 0.0, np.nan, 0.0]
    partly = Results(
        prediction=results.prediction,
        target=results.target,
        row=results.row,
        mask=results.mask,
        scale={"box": scale},
    )
    rest = results.select(np.arange(4, 9))
    assert pck(partly, 0.4, "box") == pck(rest, 0.4, "box")


def test_a_length_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"no length 'torso'.*crop, box, head"):
        pck(make(), 0.2, "torso")


def test_predictions_that_are_not_finite_are_refused():
    results = make()
    results.prediction[5, np.flatnonzero(results.mask[5])[0], 1] = np.nan
    with pytest.raises(ValueError, match=r"prediction for row 2 .*1 of 9 frames"):
        mean_error(results)


def test_truth_that_is_not_finite_is_refused():
    results = make()
    results.target[5, np.flatnonzero(results.mask[5])[0], 1] = np.nan
    with pytest.raises(ValueError, match=r"truth for row 2"):
        mean_error(results)


def test_wrong_shapes_are_refused():
    results = Results(prediction=np.zeros((2, 3)), target=np.zeros(2), row=np.arange(2))
    with pytest.raises(ValueError, match=r"joints \[M, J, D\]"):
        mean_error(results)


@pytest.mark.parametrize("metric", (pose2d_metrics() | pose3d_metrics((0,))).values())
def test_nothing_annotated_measures_nothing(metric):
    results = make()
    nothing = Results(
        prediction=results.prediction,
        target=results.target,
        row=results.row,
        mask=np.zeros((9, 6), bool),
        scale=results.scale,
    )
    assert math.isnan(metric.function(nothing))
    assert math.isnan(metric.function(results.select(np.zeros(0, np.int64))))


@pytest.mark.parametrize("metric", (pose2d_metrics() | pose3d_metrics((0,))).values())
def test_perfect_poses_are_perfect(metric):
    value = metric.function(make(noise=0.0))
    expected = 1.0 if metric.higher_is_better else 0.0
    assert value == pytest.approx(expected, abs=1e-12)


def test_moving_the_whole_body_does_not_change_what_is_root_relative():
    results = make()
    moved = Results(
        prediction=results.prediction + np.array([100.0, -20.0, 7.0]),
        target=results.target,
        row=results.row,
        mask=results.mask,
    )
    for metric in pose3d_metrics((0,)).values():
        assert metric.function(moved) == pytest.approx(metric.function(results))
