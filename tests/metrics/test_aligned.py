import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from onebody.metrics import Results, align, aligned_distances, pa_mpjpe, pa_mpjpe_per_joint


def make(seed=0, frames=5, joints=8, noise=0.4, keep=0.8):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(frames, joints, 3))
    prediction = target + noise * rng.normal(size=target.shape)
    turn = Rotation.from_rotvec(rng.normal(size=(frames, 3))).as_matrix()
    return Results(
        prediction=1.7 * prediction @ turn + rng.normal(size=(frames, 1, 3)),
        target=target,
        row=np.arange(frames, dtype=np.int64),
        mask=rng.random((frames, joints)) < keep,
    )


def naive_alignment(p, t):
    """One frame by Kabsch with scale: loops and explicit reflection guard."""
    center_p, center_t = p.mean(0), t.mean(0)
    a, b = p - center_p, t - center_t
    covariance = sum(np.outer(x, y) for x, y in zip(a, b, strict=True))
    u, s, vt = np.linalg.svd(covariance)
    if np.linalg.det(u @ vt) < 0:
        u[:, -1] *= -1
        s[-1] *= -1
    return s.sum() / (a**2).sum() * a @ u @ vt + center_t


def naive_pa(results):
    """(joint, distance) over all frames."""
    found = []
    for p, t, known in zip(results.prediction, results.target, results.mask, strict=True):
        moved = naive_alignment(p[known], t[known])
        errors = np.sqrt(((moved - t[known]) ** 2).sum(1))
        found += list(zip(np.flatnonzero(known), errors, strict=True))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_loop(seed):
    results = make(seed)
    found = naive_pa(results)
    assert pa_mpjpe(results) == pytest.approx(np.mean([d for _, d in found]))
    each = pa_mpjpe_per_joint(results)
    for joint in range(8):
        assert each[joint] == pytest.approx(np.mean([d for j, d in found if j == joint]))


def test_no_other_similarity_fits_better():
    # Independent of any closed form: a general optimizer finds nothing below the aligned residual.
    results = make(3, frames=1, keep=2.0)
    p, t = results.prediction[0], results.target[0]
    residual = ((align(p[None], t[None], results.mask[:1])[0] - t) ** 2).sum()

    def cost(x):
        return ((math.exp(x[0]) * Rotation.from_rotvec(x[1:4]).apply(p) + x[4:] - t) ** 2).sum()

    starts = np.random.default_rng(0).normal(size=(8, 7))
    best = min(minimize(cost, start).fun for start in starts)
    assert best == pytest.approx(residual, rel=1e-4)


def test_a_similar_pose_has_no_error():
    assert pa_mpjpe(make(noise=0.0)) == pytest.approx(0.0, abs=1e-9)


def test_a_reflected_pose_has_error():
    results = make(noise=0.0)
    mirrored = Results(
        prediction=results.target * np.array([-1.0, 1.0, 1.0]),
        target=results.target,
        row=results.row,
        mask=results.mask,
    )
    assert pa_mpjpe(mirrored) > 0.1
    assert pa_mpjpe(mirrored) == pytest.approx(np.mean([d for _, d in naive_pa(mirrored)]))


def test_two_joints_say_nothing():
    results = make(frames=2)
    results.mask[0] = [True, True] + [False] * 6
    results.mask[1] = True
    errors = aligned_distances(results)
    assert np.isnan(errors[0]).all()
    assert pa_mpjpe(results) == pytest.approx(pa_mpjpe(results.select(np.array([1]))))


def test_a_target_without_extent_says_nothing():
    results = make(frames=1)
    results.target[:] = 3.0
    assert math.isnan(pa_mpjpe(results))


def test_a_collapsed_prediction_is_put_at_the_center():
    results = make(frames=1, keep=2.0)
    results.prediction[:] = 5.0
    center = results.target[0].mean(0)
    expected = np.linalg.norm(results.target[0] - center, axis=1).mean()
    assert pa_mpjpe(results) == pytest.approx(expected)


def test_joints_on_a_line_are_measured():
    t = np.arange(5.0)[:, None] * np.array([[0.0, 1.0, 0.0]])
    p = np.arange(5.0)[:, None] * np.array([[1.0, 0.0, 0.0]])
    p[2, 0] += 0.5
    results = Results(prediction=p[None], target=t[None], row=np.zeros(1, np.int64))
    assert pa_mpjpe(results) == pytest.approx(
        np.sqrt(((naive_alignment(p, t) - t) ** 2).sum(1)).mean()
    )


def test_never_annotated_joints_have_no_error():
    results = make()
    results.mask[:, 2] = False
    assert np.isnan(pa_mpjpe_per_joint(results)).tolist() == [j == 2 for j in range(8)]
