"""What tests of events share: any stream of scores, and a way through it."""

from __future__ import annotations

from itertools import pairwise

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


def check_order(ended, frames):
    """Check that events follow each other, lie within the stream, and are told within it."""
    length = sum(passed for passed, _ in frames)
    for event in ended:
        assert event.label != "idle"
        assert 0 <= event.start_s <= event.told_s <= event.named_s <= length + 1e-9
        assert event.start_s < event.end_s <= length + 1e-9
        assert 0 <= event.confidence <= 1
        assert event.track == 7
    for one, other in pairwise(ended):
        assert one.end_s <= other.start_s


def check_alike(slow, ended, factor, atol=1e-9):
    """Check that events are those of a stream that is so many times as fast."""
    assert [event.label for event in slow] == [event.label for event in ended]
    times = [(event.start_s, event.end_s, event.confidence) for event in ended]
    found = [(event.start_s / factor, event.end_s / factor, event.confidence) for event in slow]
    np.testing.assert_allclose(found, times, rtol=1e-6, atol=atol)


def normal(scores):
    """Make scores that add up to 1."""
    values = np.array(scores) + 1e-6
    return values / values.sum()
