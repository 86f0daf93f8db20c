"""Damaged copies of good values, drawn by hypothesis."""

from __future__ import annotations

import copy
import math

import numpy as np
from hypothesis import strategies as st

JUNK = (
    None,
    True,
    -1,
    7,
    2**70,
    1e300,
    math.nan,
    math.inf,
    "",
    "x",
    [],
    {},
    [None],
    [[1]],
    {"a": 1},
)


def places(value, path=()):
    """Yield the path of every value within nested lists, tuples and mappings, the whole first."""
    yield path
    items = enumerate(value) if isinstance(value, list) else ()
    for key, inner in value.items() if isinstance(value, dict) else items:
        yield from places(inner, (*path, key))


@st.composite
def damaged(draw, good, junk=JUNK):
    """Change one or two places of a value: another value, an entry less, or the same one twice."""
    value = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(value))))
        if not path:
            return draw(st.sampled_from(junk))
        owner = value
        for key in path[:-1]:
            owner = owner[key]
        how = draw(st.sampled_from(("junk", "drop", "twice")))
        if how == "junk":
            owner[path[-1]] = copy.deepcopy(draw(st.sampled_from(junk)))
        elif how == "drop":
            del owner[path[-1]]
        elif isinstance(owner, list):
            owner.append(copy.deepcopy(owner[path[-1]]))
    return value


@st.composite
def cut_or_changed(draw, content):
    """Cut bytes off the end, or change some of them."""
    if draw(st.booleans()):
        return content[: draw(st.integers(0, len(content) - 1))]
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


@st.composite
def cut(draw, content):
    """Cut bytes off the end.

    For files that a C library reads: scipy's reader of .mat files and HDF5 trust bytes within a
    whole file, and changed ones may break the process rather than raise an error.
    """
    return content[: draw(st.integers(0, len(content) - 1))]


def check_read(read, file):
    """Read to the end: every clip is whole, or the error names the file."""
    try:
        clips = list(read())
    except ValueError as error:
        assert str(file) in str(error)  # noqa: PT017
        return
    for clip in clips:
        assert clip.joints.ndim == 4
        assert clip.joints.dtype == np.float32
        assert not np.isinf(clip.joints).any()
        assert clip.scores is None or clip.scores.shape == clip.joints.shape[:3]
