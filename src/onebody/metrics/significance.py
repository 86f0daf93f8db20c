"""Tests of paired differences between subjects, and their correction for many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

EXACT_SUBJECTS = 16
"""Up to this many subjects all 2^N signs are gone through; beyond it they are drawn."""


def sign_flip_test(differences: Sequence[float], *, draws: int = 100_000, seed: int = 0) -> float:
    """Return the two-sided p-value of "the mean difference is 0".

    Were there no difference, each subject's would be as likely to have the other sign. The p-value
    is the share of sign patterns whose mean is at least as far from 0 as the one that was found: of
    all 2^N patterns up to `EXACT_SUBJECTS` subjects (so it is never below 2 / 2^N), of random ones
    and the found one beyond.

    Args:
        differences: one per subject, averaged over seeds before.
        draws: random patterns, beyond `EXACT_SUBJECTS`.
        seed: of these.

    Raises:
        ValueError: if there are none, or one is not finite.

    Source: R. A. Fisher, "The Design of Experiments" (1935), section 21.
    """
    values = np.array(differences, np.float64)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError(f"Expected finite differences of some subjects, found {values.tolist()}.")
    count = len(values)
    if count <= EXACT_SUBJECTS:
        bits = np.arange(2**count)[:, None] >> np.arange(count) & 1
        extra = 0
    else:
        bits = np.random.default_rng(seed).integers(0, 2, (draws, count))
        extra = 1  # the pattern that was found
    sums = np.abs((1 - 2 * bits) @ values)
    # Sums of equal terms in another order differ in their last digits.
    far = sums >= abs(values.sum()) - 1e-12 * max(1.0, float(np.abs(values).sum()))
    return float((far.sum() + extra) / (len(bits) + extra))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Correct p-values for their number, so that all statements hold together.

    The k-th smallest of m is multiplied by m - k + 1, never falls below the one before it, and
    never exceeds 1.

    Args:
        p_values: by name of the comparison.

    Raises:
        ValueError: if one is not within [0, 1].

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
    of Statistics 6 (1979).
    """
    corrected: dict[str, float] = {}
    least = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        if not 0.0 <= p_values[name] <= 1.0:
            raise ValueError(f"{name!r}: expected a p-value in [0, 1], found {p_values[name]}.")
        least = max(least, min(1.0, p_values[name] * (len(p_values) - place)))
        corrected[name] = least
    return {name: corrected[name] for name in p_values}
