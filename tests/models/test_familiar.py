"""Scores of what is unlike training clips, on clouds of points whose distances are known."""

from __future__ import annotations

import pytest
import torch

from onebody.models.familiar import (
    FAMILIAR,
    SCORES,
    fit_familiar,
    load_familiar,
    save_familiar,
    shrunk_covariance,
)


def cloud(center, count, seed, *, spread=(1.0, 1.0, 1.0)):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 3, generator=generator) * torch.tensor(spread)
    return noise + torch.tensor(center)


@pytest.fixture(scope="module")
def familiar():
    features = torch.cat([cloud((10.0, 0.0, 0.0), 60, 0), cloud((0.0, 10.0, 0.0), 60, 1)])
    return fit_familiar(features, torch.arange(120) // 60, ("action",))


def test_what_is_far_from_every_class_is_unusual(familiar):
    near = torch.cat([cloud((10.0, 0.0, 0.0), 30, 2), cloud((0.0, 10.0, 0.0), 30, 3)])
    far = torch.cat([cloud((0.0, 0.0, 10.0), 30, 4), cloud((-8.0, -8.0, 0.0), 30, 5)])
    logits = torch.zeros(60, 2)
    usual, unusual = familiar.scores(near, logits), familiar.scores(far, logits)
    for name in ("mahalanobis", "neighbors"):
        assert float(usual[name].quantile(0.95)) < float(unusual[name].min()), name
    assert set(usual) == set(SCORES)


def test_distances_are_those_of_the_shrunk_gaussians(familiar):
    x = torch.tensor([[8.0, 3.0, 1.0]], dtype=torch.float64)
    inverse = familiar.whiten @ familiar.whiten.T
    gaps = x - familiar.means
    by_hand = torch.einsum("kc,cd,kd->k", gaps, inverse, gaps).min().sqrt()
    found = familiar.scores(x.float(), torch.zeros(1, 2))["mahalanobis"]
    assert float(found) == pytest.approx(float(by_hand), rel=1e-6)


def test_energy_and_probability_are_of_the_logits_and_of_every_frame(familiar):
    features = cloud((10.0, 0.0, 0.0), 2, 6)
    logits = torch.tensor([[2.0, 0.0], [0.5, 0.5]])
    found = familiar.scores(features, logits)
    assert found["energy"].tolist() == pytest.approx((-torch.logsumexp(logits, 1)).tolist())
    assert found["probability"].tolist() == pytest.approx([-0.880797, -0.5], abs=1e-5)
    framed = torch.stack([logits, logits.flip(1)], dim=1)  # [M, T, L]
    twice = familiar.scores(features, framed)
    assert twice["energy"].tolist() == pytest.approx(found["energy"].tolist())
    assert twice["probability"].tolist() == pytest.approx([-0.5, -0.5])  # the mean of the frames


def test_clips_without_classes_are_one_cloud():
    features = cloud((1.0, 2.0, 3.0), 50, 7)
    one = fit_familiar(features, torch.full((50,), -1))
    assert one.means.shape == (1, 3)
    torch.testing.assert_close(one.means[0], features.double().mean(0))
    some = fit_familiar(features, torch.where(torch.arange(50) < 10, 0, -1))
    assert some.bank.shape == (50, 3)
    torch.testing.assert_close(some.means[0], features[:10].double().mean(0))


def test_a_covariance_of_few_rows_is_shrunk_and_that_of_many_hardly():
    spread = (3.0, 1.0, 0.2)
    true = torch.diag(torch.tensor(spread, dtype=torch.float64) ** 2)
    many = cloud((0.0, 0.0, 0.0), 20000, 8, spread=spread).double()
    many = many - many.mean(0)
    assert float((shrunk_covariance(many) - true).abs().max()) < 0.2
    few = cloud((0.0, 0.0, 0.0), 3, 9, spread=spread).double()
    few = few - few.mean(0)
    made = shrunk_covariance(few)
    assert float(torch.linalg.eigvalsh(made).min()) > 1e-3  # 3 rows have rank 2
    assert float(made.trace()) == pytest.approx(float((few**2).sum() / 3))
    still = shrunk_covariance(torch.zeros(4, 3, dtype=torch.float64))
    assert float(torch.linalg.eigvalsh(still).min()) > 0


def test_what_is_remembered_survives_a_file(tmp_path, familiar):
    from dataclasses import replace

    limited = replace(familiar, limits={"energy": -1.25})
    save_familiar(tmp_path, limited)
    again = load_familiar(tmp_path)
    x, logits = cloud((3.0, 3.0, 3.0), 5, 10), torch.zeros(5, 2)
    for name, values in familiar.scores(x, logits).items():
        torch.testing.assert_close(again.scores(x, logits)[name], values)
    assert again.limits == {"energy": -1.25}
    assert again.tasks == ("action",)


def test_faults_are_told(tmp_path, familiar):
    with pytest.raises(ValueError, match="onebody unusual RUN"):
        load_familiar(tmp_path)
    (tmp_path / FAMILIAR).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="damaged"):
        load_familiar(tmp_path)
    with pytest.raises(ValueError, match="features should be"):
        familiar.scores(torch.zeros(2, 4), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="two clips"):
        fit_familiar(torch.zeros(1, 3), torch.zeros(1, dtype=torch.long))
    with pytest.raises(ValueError, match="not finite"):
        fit_familiar(torch.full((3, 3), float("nan")), torch.zeros(3, dtype=torch.long))
