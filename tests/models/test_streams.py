"""Joint, bone, joint-motion and bone-motion, beside values that are computed one by one."""

import numpy as np
import pytest
import torch

from onebody.config import read_config, without_later
from onebody.models import InputShape
from onebody.models.skeleton import SkeletonConfig, build_skeleton
from onebody.models.stgcn import StgcnConfig
from onebody.models.streams import JointStreams
from onebody.skeletons import get_skeleton

ALL = ("joint", "bone", "joint-motion", "bone-motion")
PARENTS = get_skeleton("penn-13").parents()
SHAPE = InputShape(channels=2, skeleton="penn-13")


def _given(frames=5):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, frames, 13, 2, generator=generator)
    known = torch.rand(2, frames, 13, generator=generator) < 0.7
    return x * known[..., None], known


def _by_hand(stream, x, known, t, j):
    """Return one value, or None where it is not known."""
    if stream == "joint":
        return x[t, j] if known[t, j] else None
    if stream == "bone":
        there = PARENTS[j] != j and known[t, j] and known[t, PARENTS[j]]
        return x[t, j] - x[t, PARENTS[j]] if there else None
    now, before = (
        _by_hand(stream.removesuffix("-motion"), x, known, s, j) if s >= 0 else None
        for s in (t, t - 1)
    )
    return now - before if now is not None and before is not None else None


@pytest.mark.parametrize("stream", ALL)
def test_a_stream_is_what_one_computes_by_hand(stream):
    x, known = _given()
    (((values, there),), _) = JointStreams(SHAPE, (stream,))(x, known, {})
    for row, t, j in np.ndindex(2, 5, 13):
        expected = _by_hand(stream, x[row], known[row], t, j)
        assert bool(there[row, t, j]) == (expected is not None)
        wanted = torch.zeros(2) if expected is None else expected
        assert torch.allclose(values[row, t, j], wanted)
    assert there.any()


def test_a_stream_of_frames_goes_on_where_it_was_left():
    x, known = _given(frames=6)
    streams = JointStreams(SHAPE, ALL)
    whole, _ = streams(x, known, {})
    state, parts = {}, []
    for start, stop in ((0, 1), (1, 4), (4, 6)):
        found, state = streams(x[:, start:stop], known[:, start:stop], state)
        parts.append(found)
    for number, (values, there) in enumerate(whole):
        assert torch.equal(torch.cat([part[number][0] for part in parts], 1), values)
        assert torch.equal(torch.cat([part[number][1] for part in parts], 1), there)


def test_streams_that_do_not_move_remember_nothing():
    assert JointStreams(SHAPE, ("joint", "bone"))(*_given(), {})[1] == {}


@pytest.mark.parametrize(
    ("stream", "message"),
    [("bones", "'bone'"), (["bone", "bone"], "each stream once"), ([], "at least 1")],
)
def test_strange_streams_are_refused(stream, message):
    with pytest.raises(ValueError, match=message):
        read_config(StgcnConfig, {"stream": stream}, "test")


@pytest.mark.parametrize("streams", [*((name,) for name in ALL), ("joint", "bone-motion")])
def test_the_light_encoder_reads_any_streams(streams):
    torch.manual_seed(0)
    config = read_config(SkeletonConfig, {"channels": 8, "depth": 1, "stream": streams}, "test")
    encoder = build_skeleton(config, inputs={"skeleton": SHAPE}).eval()
    x, known = _given()
    spoiled = torch.where(known[..., None], x, torch.nan)
    found, _ = encoder.stem({"skeleton": spoiled}, {"skeleton": known}, {})
    assert found.shape == (2, 8, 5)
    assert found.isfinite().all()
    one = build_skeleton(
        read_config(SkeletonConfig, {"channels": 8, "depth": 1}, "test"),
        inputs={"skeleton": SHAPE},
    )
    assert encoder.stem.join.in_channels == len(streams) * one.stem.join.in_channels


def test_a_default_stream_leaves_the_recipe_of_the_light_encoder_as_it_was():
    for config, told in ((SkeletonConfig(), False), (SkeletonConfig(stream=("bone",)), True)):
        values = config.model_dump(mode="json")
        assert ("stream" in without_later(config, values)) == told
        assert read_config(SkeletonConfig, values, "test") == config
