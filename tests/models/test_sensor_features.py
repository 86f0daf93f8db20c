"""Statistics and spectra of readings of which some are missing."""

import math

import numpy as np
import torch

from onebody.models.sensor_features import (
    PAIRS,
    SIGNALS,
    STATISTICS,
    fourier_basis,
    segments,
    signals,
    spectrum,
    statistics,
)


def test_signals_are_in_g_and_have_magnitudes():
    x = torch.tensor([[0.0, 0.0, 9.80665, 3.0, 4.0, 0.0]])
    found, known = signals(x, torch.ones_like(x, dtype=torch.bool))
    torch.testing.assert_close(found, torch.tensor([[0, 0, 1.0, 3, 4, 0, 1, 5]]))
    assert known.all()
    _, known = signals(x, torch.tensor([[True] * 5 + [False]]))
    assert known[0].tolist() == [True] * 5 + [False, True, False]


def test_statistics_are_those_of_the_readings_that_there_are():
    torch.manual_seed(0)
    x = torch.randn(3, 40, SIGNALS)
    known = torch.zeros(3, 40, SIGNALS, dtype=torch.bool)
    known[:, :25] = True
    found = statistics(x * known, known)
    assert found.shape == (3, STATISTICS)
    parts = found[:, : -len(PAIRS)].reshape(3, -1, SIGNALS).numpy()
    own = x[:, :25].numpy()
    steps = np.diff(own, axis=1)
    centered = own - own.mean(1, keepdims=True)
    crossed = (centered[:, 1:] * centered[:, :-1] < 0).mean(1)
    wanted = [
        np.full((3, SIGNALS), 25 / 40),
        own.mean(1),
        own.std(1),
        np.sqrt((own**2).mean(1)),
        np.abs(steps).mean(1),
        np.sqrt((steps**2).mean(1)),
        crossed,
        *np.quantile(own, (0, 0.25, 0.5, 0.75, 1), axis=1),
    ]
    np.testing.assert_allclose(parts, np.stack(wanted, 1), atol=1e-5)
    correlation = np.corrcoef(own[0, :, :6].T)
    wanted = [correlation[a, b] for a, b in PAIRS]
    np.testing.assert_allclose(found[0, -len(PAIRS) :].numpy(), wanted, atol=1e-4)


def test_a_signal_that_is_not_there_leaves_zeros():
    found = statistics(torch.zeros(2, 5, SIGNALS), torch.zeros(2, 5, SIGNALS, dtype=torch.bool))
    assert (found == 0).all()
    one = torch.zeros(1, 1, SIGNALS)
    assert statistics(one, one == 0).isfinite().all()


def test_segments_have_their_frame_in_the_middle():
    x = torch.arange(1, 11).float().view(1, 10, 1)
    cut = segments(x, 4, 3)
    assert cut.shape == (1, 4, 4, 1)
    assert cut[0, :, 2, 0].tolist() == [1, 4, 7, 10]
    assert cut[0, 0, :, 0].tolist() == [0, 0, 1, 2]
    assert segments(x[:, :1], 8, 3).shape == (1, 1, 8, 1)


def test_the_spectrum_peaks_at_the_frequency_whatever_the_mean_is():
    time = torch.arange(32).float()
    for turns in (3, 7):
        wave = 5.0 + torch.sin(2 * math.pi * turns * time / 32 + 0.4)
        x = wave[:, None].repeat(1, SIGNALS)
        known = torch.ones_like(x, dtype=torch.bool)
        found = spectrum(x, known, fourier_basis(32))
        assert found.shape == (SIGNALS, 16)
        assert (found.argmax(1) == turns - 1).all()
        expected = math.log1p(10 * 0.5)  # half of an amplitude of 1
        assert abs(float(found[0, turns - 1]) - expected) < 0.02
        known[10:14] = False
        assert (spectrum(x * known, known, fourier_basis(32)).argmax(1) == turns - 1).all()
