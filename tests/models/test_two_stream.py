import pytest
import torch
from model_helpers import TINY, by_name, cut, frames, make_batch, make_network, scramble, vector

from onebody.config import read_config
from onebody.models import InputShape, blank_state
from onebody.models.two_stream import StreamFusion, TwoStreamConfig, build_two_stream

INPUTS = {"depth": InputShape(channels=1)}


def _encoder(**options: object):
    torch.manual_seed(0)
    config = read_config(TwoStreamConfig, {**TINY["two-stream"], **options}, "test")
    encoder = build_two_stream(config, inputs=INPUTS)
    scramble(encoder)
    return encoder.eval()


def _run(encoder, x: torch.Tensor) -> list[torch.Tensor]:
    return list(encoder.run({"depth": x}, {}, len(encoder.stages), {}, {}))


@pytest.mark.parametrize(
    ("fuse", "widths", "parts"),
    [
        (0, [6, 12, 24, 32, 32], [1, 1, 1, 1, 1]),
        (3, [12, 24, 48, 32, 32], [2, 2, 2, 1, 1]),
        (None, [12, 24, 48, 64, 64], [2, 2, 2, 2, 2]),
    ],
)
def test_streams_are_joined_where_it_says(fuse, widths, parts) -> None:
    encoder = _encoder(fuse=fuse, temporal_width=128)
    assert [info.width for info in encoder.info] == widths
    assert [info.parts for info in encoder.info] == parts
    for info, x in zip(encoder.info, _run(encoder, torch.rand(2, 1, 3, 32, 32)), strict=True):
        assert x.shape[:3] == (2, info.width, 3)


def test_streams_hear_nothing_of_each_other_before() -> None:
    encoder = _encoder(fuse=None)
    x = torch.rand(1, 1, 4, 32, 32)
    brighter = _run(encoder, x + 0.25)
    for plain, other in zip(_run(encoder, x), brighter, strict=True):
        looks, moves = plain.chunk(2, 1)
        other_looks, other_moves = other.chunk(2, 1)
        assert torch.allclose(moves, other_moves, atol=1e-4)  # nothing moves otherwise
        assert not torch.allclose(looks, other_looks, atol=1e-2)


def test_a_still_has_no_motion() -> None:
    encoder = _encoder(fuse=None)
    first, second = (_run(encoder, torch.rand(1, 1, 1, 32, 32))[2].chunk(2, 1)[1] for _ in "ab")
    assert torch.equal(first, second)


def test_flow_takes_the_place_of_differences() -> None:
    config = read_config(TwoStreamConfig, {**TINY["two-stream"], "fuse": None}, "test")
    inputs = {**INPUTS, "flow/depth": InputShape(channels=2)}
    torch.manual_seed(0)
    encoder = build_two_stream(config, inputs=inputs)
    scramble(encoder)
    encoder.eval()

    def run(x: torch.Tensor, flow: torch.Tensor) -> list[torch.Tensor]:
        given = {"depth": x, "flow/depth": flow}
        return list(encoder.run(given, {}, len(encoder.stages), {}, {}))

    x, flow = torch.rand(1, 1, 4, 32, 32), torch.rand(1, 2, 4, 32, 32)
    for plain, other in zip(run(x, flow), run(x, -flow), strict=True):
        (looks, moves), (other_looks, other_moves) = plain.chunk(2, 1), other.chunk(2, 1)
        assert torch.equal(looks, other_looks)
        assert not torch.allclose(moves, other_moves, atol=1e-2)
    with pytest.raises(ValueError, match=r"Pictures are \[4, 32, 32\] .* their flow \[3, 32, 32\]"):
        run(x, flow[:, :, :3])


def test_flow_of_other_pictures_is_refused() -> None:
    inputs = {**INPUTS, "flow/rgb": InputShape(channels=2)}
    with pytest.raises(ValueError, match="reads one"):
        build_two_stream(TwoStreamConfig(), inputs=inputs)


def test_ways_to_join() -> None:
    x = torch.rand(2, 8, 3, 5, 5)
    a, b = x.chunk(2, 1)
    assert torch.equal(StreamFusion(4, "sum")(x), a + b)
    assert torch.equal(StreamFusion(4, "max")(x), torch.maximum(a, b))
    learned = StreamFusion(4, "conv").eval()(x)
    assert learned.shape == (2, 4, 3, 5, 5)
    assert bool((learned >= 0).all())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fuse": 5}, "stages are 0 to 4"),
        ({"fuse": 4, "dilations": []}, "stages are 0 to 3"),
        ({"widths": [8, 16]}, r"one entry per map stage, found \[2, 3, 3\]"),
    ],
)
def test_impossible_options_are_refused(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        read_config(TwoStreamConfig, options, "test")


def test_skeletons_are_refused() -> None:
    skeletons = {"skeleton": InputShape(channels=3, skeleton="kinect-20")}
    with pytest.raises(ValueError, match="reads pictures, but 'skeleton' holds joints"):
        build_two_stream(TwoStreamConfig(), inputs=skeletons)


@torch.no_grad()
def test_a_stream_may_begin_as_zeros() -> None:
    network = make_network("two-stream-causal", by_name(frames("phase"))).eval()
    batch = make_batch(1, 5)
    blank = blank_state(network, cut(batch, 0, 1))
    assert torch.allclose(
        network.stream(batch, blank)[0]["phase"][-1], network([batch])[0]["phase"][-1], atol=1e-5
    )


def test_each_stream_answers_and_learns() -> None:
    heads = {"action": {"kind": "parts"}}
    network = make_network(
        {**TINY["two-stream"], "fuse": None}, by_name(vector("action")), heads=heads
    )
    (outputs,) = network.train()([make_batch(2, 3)])
    looks, moves, both = outputs["action"]
    assert torch.allclose(both, looks + moves)
    moves.sum().backward()
    stem = network.sharing.encoder.stem
    assert not stem.appearance[0].weight.grad.any()  # its part of the channels is not read
    assert bool(stem.motion[0].weight.grad.any())
