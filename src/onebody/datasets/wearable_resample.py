"""From samples at irregular times to one steady rate, with gaps marked.

Between two neighbors values are interpolated linearly, never across a gap longer than a stated
bound: there they are NaN. Whatever holds faster movements than the rate can is filtered before.
"""

from __future__ import annotations

import math

import numpy as np

from onebody.data.table import Numbers
from onebody.types import Bools, Floats

PASS = 0.45
"""Default cutoff as a part of the new rate: half of it, Nyquist's limit, less a margin."""

_TRANSITION = 3.3
"""Width of a Hamming window's transition band, in sampling rates over taps."""

_LEAST_WEIGHT = 0.25
"""Where less than this part of the filter lies on samples, nobody knows the filtered value."""


def at_rate(
    times_s: Numbers,
    values: Floats,
    grid_s: Numbers,
    *,
    rate_hz: float,
    max_gap_s: float,
    lowpass_hz: float | None = None,
) -> Floats:
    """Bring samples to a steady rate.

    Args:
        times_s: ``[n]`` strictly ascending.
        values: ``[n, C]``.
        grid_s: ``[m]`` the wanted times, 1 / ``rate_hz`` apart.
        rate_hz: the wanted rate.
        max_gap_s: longest time between two samples that is interpolated over.
        lowpass_hz: -6 dB point of the filter; None: samples that come faster than the rate are
            filtered at 0.45 of it, others are not filtered.

    Returns:
        ``[m, C]``; NaN in gaps, before the first and after the last sample.
    """
    native = native_rate(times_s)
    cutoff = lowpass_hz
    if cutoff is None:
        if native <= 1.1 * rate_hz:  # clocks differ by some percent
            return interpolated(times_s, values, grid_s, max_gap_s)
        cutoff = PASS * rate_hz
    if not len(grid_s):
        return np.zeros((0, values.shape[1]), np.float32)
    factor = max(1, math.ceil(max(native, 4 * cutoff) / rate_hz))
    fine_s = grid_s[0] + np.arange((len(grid_s) - 1) * factor + 1) / (rate_hz * factor)
    fine = interpolated(times_s, values, fine_s, max_gap_s)
    return lowpass(fine, rate_hz * factor, cutoff)[::factor]


def native_rate(times_s: Numbers) -> float:
    """Return how many samples come in a second, as a rule; 0 where one sample is all there is.

    The median step is no good measure where samples come in bursts, nor the whole time where there
    are gaps: this is the middle of what stretches of eleven samples say.
    """
    if len(times_s) < 2:
        return 0.0
    reach = min(10, len(times_s) - 1)
    return reach / float(np.median(times_s[reach:] - times_s[:-reach]))


def interpolated(times_s: Numbers, values: Floats, grid_s: Numbers, max_gap_s: float) -> Floats:
    """Return ``[m, C]`` values at wanted times; see `at_rate`."""
    after = np.clip(np.searchsorted(times_s, grid_s, "left"), 0, len(times_s) - 1)
    exact = np.abs(times_s[after] - grid_s) <= 1e-9
    before = np.where(exact, after, np.maximum(after - 1, 0))
    step = times_s[after] - times_s[before]
    inside = exact | ((grid_s >= times_s[0]) & (grid_s <= times_s[-1]))
    known = inside & (step <= max_gap_s * (1 + 1e-9))
    part = np.divide(grid_s - times_s[before], step, out=np.zeros_like(grid_s), where=step > 0)
    mixed = values[before] + part[:, None].astype(np.float32) * (values[after] - values[before])
    return np.where(known[:, None], mixed, np.float32(np.nan)).astype(np.float32)


def lowpass(values: Floats, rate_hz: float, cutoff_hz: float) -> Floats:
    """Filter a steady series by a windowed sinc without delay.

    Args:
        values: ``[n, C]``; NaN where missing, in all channels of a sample alike.
        rate_hz: of the series.
        cutoff_hz: -6 dB point; at half of it nothing is lost, at one and a half nothing is left.

    Returns:
        ``[n, C]``; NaN where it was, and where the filter would rest on hardly any sample.
    """
    half = math.ceil(_TRANSITION * rate_hz / cutoff_hz / 2)
    at = np.arange(-half, half + 1)
    taps = np.sinc(2 * cutoff_hz / rate_hz * at) * np.hamming(len(at))
    taps /= taps.sum()
    known: Bools = np.asarray(np.isfinite(values).all(axis=1))
    filled: Numbers = np.where(known[:, None], values, 0.0).astype(np.float64)

    def smoothed(series: Numbers) -> Numbers:
        whole: Numbers = np.convolve(series, taps, "full")
        return whole[half : half + len(series)]

    weight = smoothed(known.astype(np.float64))
    good = known & (weight >= _LEAST_WEIGHT)
    safe = np.where(good, weight, 1.0)
    sums = np.stack([smoothed(filled[:, c]) for c in range(filled.shape[1])], axis=1)
    return np.where(good[:, None], sums / safe[:, None], np.nan).astype(np.float32)
