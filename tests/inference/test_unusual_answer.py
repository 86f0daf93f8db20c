"""Predictions say how unlike anything in training what they look at is."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.evaluation.unusual import plain_classes
from onebody.inference import Prediction, load
from onebody.inference.reader import open_medium, read_windows
from onebody.inference.unusual_answer import UnusualAnswer
from onebody.models import blank_batch
from onebody.models.familiar import SCORES, fit_familiar, save_familiar
from onebody.models.features import features_of
from saved_runs import write_run


def answer(count=3):
    return UnusualAnswer(
        names=("energy", "mahalanobis"),
        windows=np.array([[4 * n, 4 * n + 6] for n in range(count)]),
        scores=np.arange(2 * count, dtype=np.float32).reshape(count, 2),
        limits=np.array([np.nan, 2.0], np.float32),
    )


def test_a_score_above_its_limit_is_unusual_and_one_without_a_limit_never():
    found = answer()
    assert found.above("energy").tolist() == [False, False, False]
    assert found.above().tolist() == [False, True, True]
    values, limit = found.of()
    assert (values.tolist(), limit) == ([1.0, 3.0, 5.0], 2.0)
    part = found.select(5, 9)
    assert part.windows.tolist() == [[0, 1], [0, 4], [3, 4]]
    assert found.select(11, 14).scores.tolist() == [[4.0, 5.0]]
    with pytest.raises(ValueError, match=r"scores \[W, 2\].*found \[3, 2\], \[2, 2\], \[2\]"):
        replace(found, scores=found.scores[:2])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose training clips were random vectors."""
    folder = write_run(tmp_path_factory.mktemp("run"))
    network = load(folder).saved.network
    names = tuple(plain_classes(network.tasks))
    with features_of(network, names) as heard, torch.inference_mode():
        network([blank_batch(load(folder).saved.input)])
    width = heard[0].shape[1]
    generator = torch.Generator().manual_seed(0)
    familiar = fit_familiar(
        torch.randn(30, width, generator=generator), torch.arange(30) % 2, names
    )
    save_familiar(folder / "model", replace(familiar, limits={"mahalanobis": 0.5}))
    return folder


@pytest.mark.parametrize("clips", [1, 2])
def test_scores_are_those_of_the_windows_features_and_logits(run, clips, tmp_path):
    predictor = load(run)
    frames = np.random.default_rng(1).integers(0, 256, (11, 40, 40, 3), dtype=np.uint8)
    found = predictor.predict(frames, fps=10.0, tasks=["pose"], clips=clips).unusual
    assert found is not None
    assert found.names == SCORES
    assert not predictor.predict(frames, fps=10.0, tasks=["pose"]).classes, "only the pose"
    np.save(tmp_path / "clip.npy", frames)
    medium = open_medium(
        str(tmp_path / "clip.npy"), fps=10.0, span_s=None, camera=None, depth_ref_mm=None
    )
    network, names = predictor.saved.network, predictor.familiar.tasks
    expected = np.zeros_like(found.scores)
    for group in read_windows(
        medium, found.windows, predictor.saved.input, batch_size=3, clips=clips
    ):
        with torch.inference_mode(), features_of(network, names) as heard:
            outputs = network([group.batch])[0]
            logits = torch.cat([outputs[name][-1] for name in names], dim=-1)
            scores = predictor.familiar.scores(heard[0], logits)
        for place, name in enumerate(SCORES):
            np.add.at(expected[:, place], group.windows, scores[name].numpy() / clips)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4)
    assert np.isnan(found.limits).tolist() == [True, True, False, True]


def test_it_survives_being_written_and_read(run, tmp_path):
    frames = np.random.default_rng(1).integers(0, 256, (11, 40, 40, 3), dtype=np.uint8)
    whole = load(run).predict(frames, fps=10.0)
    whole.save_npz(tmp_path / "a.npz")
    for again in (Prediction.from_json(whole.to_json()), Prediction.load_npz(tmp_path / "a.npz")):
        assert again.unusual.names == SCORES
        np.testing.assert_array_equal(again.unusual.windows, whole.unusual.windows)
        np.testing.assert_array_equal(again.unusual.scores, whole.unusual.scores)
        np.testing.assert_array_equal(again.unusual.limits, whole.unusual.limits)
    rows = [json.loads(line) for line in whole.to_jsonl("window")]
    row = next(row for row in rows if row["start_frame"] == int(whole.unusual.windows[1, 0]))
    assert row["unusual"]["mahalanobis"] == {
        "score": pytest.approx(float(whole.unusual.scores[1, 2])),
        "limit": 0.5,
    }
    assert row["unusual"]["energy"]["limit"] is None
    assert whole[3:7].unusual.windows.max() == 4
    plain = replace(whole, unusual=None)
    assert Prediction.from_json(plain.to_json()).unusual is None
    assert not any("unusual" in line for line in plain.to_jsonl("window"))
