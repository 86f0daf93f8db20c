"""What tests of events share: any stream of scores, and a way through it."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

CLASSES = ("walk", "wave", "idle")
STREAM = st.lists(
    st.tuples(
        st.floats(0.01, 0.3),
        st.one_of(st.none(), st.tuples(*[st.floats(0, 1)] * 3)),
    ),
    max_size=40,
)
"""Time since the moment before, and scores of the classes; None: nobody."""


def spotted(spotter, frames, factor=1.0):
    """Run over (passed, scores); return ended events in order, and those told to have begun."""
    now, ended, started = 0.0, [], []
    for passed, scores in frames:
        now += passed
        began, over = spotter.push(now * factor, None if scores is None else normal(scores))
        started += began
        ended += over
        assert len(began) <= 1
        assert (spotter.current is None) == (len(started) == len(ended))
    ended += spotter.finish()
    assert spotter.current is None
    return ended, started


def normal(scores):
    """Make scores that add up to 1."""
    values = np.array(scores) + 1e-6
    return values / values.sum()
