"""The `stream` encoder: a clip and a stream agree with trained weights; a step can be exported."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_helpers import by_name, cut, frames, joints, make_batch, make_network
from torch import nn

from onebody.config import read_config
from onebody.data import InputSpec
from onebody.models import (
    ENCODERS,
    MultiTaskConfig,
    blank_batch,
    blank_state,
    build_network,
    input_shapes,
    network_cost,
)
from onebody.models.stream import SIZES, StreamConfig, build_stream
from onebody.models.stream_parts import ReadStage, pixel_centers

FRAMES, SIDE = 12, 64
SMALL = {"kind": "stream", "width": 0.5, "size": "s", "points": 6, "dilations": [1, 2, 4]}
POINTS = {"pose": {"kind": "points"}, "body": {"kind": "points"}}


def tasks():
    return by_name(frames("phase", 4), joints("pose", 6), joints("body", 6, dims=3))


@pytest.fixture(scope="module")
def trained():
    """A network after some steps, so that neither weights nor statistics are fresh."""
    torch.manual_seed(0)
    network = make_network(SMALL, tasks(), heads=POINTS, fresh=True).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    goals = {name: torch.rand(2, FRAMES, 6, task.dims + 1) for name, task in tasks().items()}
    for step in range(12):
        batch = make_batch(2, FRAMES, SIDE, SIDE, seed=step)
        outputs = network([batch])[0]
        loss = nn.functional.cross_entropy(
            outputs["phase"][-1].flatten(0, 1), torch.arange(2 * FRAMES) % 4
        )
        for name in ("pose", "body"):
            loss = loss + sum((o - goals[name]).abs().mean() for o in outputs[name])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


@torch.no_grad()
def agreement(network, batch, pieces, state):
    """Return the largest difference between a clip and a stream in pieces, over all outputs."""
    whole = network([batch])[0]
    start, found = 0, []
    for length in pieces:
        outputs, state = network.stream(cut(batch, start, start + length), state)
        found.append(outputs)
        start += length
    return max(
        float((torch.cat([part[name][i] for part in found], 1) - one).abs().max())
        for name, outputs in whole.items()
        for i, one in enumerate(outputs)
    )


@given(cuts=st.sets(st.integers(1, FRAMES - 1)), blank=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_any_cutting_of_a_clip_gives_the_clips_outputs(trained, cuts, blank, seed):
    batch = make_batch(1, FRAMES, SIDE, SIDE, seed=seed)
    ends = [0, *sorted(cuts), FRAMES]
    pieces = [b - a for a, b in pairwise(ends)]
    state = blank_state(trained, cut(batch, 0, 1)) if blank else {}
    assert agreement(trained, batch, pieces, state) <= 1e-5


def test_single_frames_give_the_clips_outputs(trained):
    assert agreement(trained, make_batch(2, FRAMES, SIDE, SIDE, seed=7), [1] * FRAMES, {}) <= 1e-5


def test_training_moved_what_the_answers_hang_on(trained):
    fresh = make_network(SMALL, tasks(), heads=POINTS, fresh=True).state_dict()
    moved = [n for n, v in trained.state_dict().items() if not torch.equal(v, fresh[n])]
    assert [n for n in fresh if n not in moved] == []


@torch.no_grad()
def test_a_frame_is_forgotten_after_what_the_blocks_reach(trained):
    first, second = (make_batch(1, 20, SIDE, SIDE, seed=s) for s in (1, 2))
    reach = 2 * (1 + 2 + 4) + 1  # and the frame before, whose places movement is taken from
    mixed = first.inputs["rgb"].clone()
    mixed[:, :, : 20 - 1 - reach] = second.inputs["rgb"][:, :, : 20 - 1 - reach]
    other = replace(first, inputs={"rgb": mixed})
    a, b = (trained([batch])[0]["phase"][-1][:, -1] for batch in (first, other))
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


class Step(nn.Module):
    """A stream's step on tensors alone."""

    def __init__(self, network, batch, names):
        super().__init__()
        self.network, self.batch, self.names = network, batch, names

    def forward(self, frame, *state):
        batch = replace(self.batch, inputs={"rgb": frame.unsqueeze(2)})
        outputs, left = self.network.stream(batch, dict(zip(self.names, state, strict=True)))
        return (*(found[-1] for found in outputs.values()), *(left[n] for n in self.names))


@torch.no_grad()
def test_a_step_is_exported_with_its_state(trained):
    batch = make_batch(1, 3, SIDE, SIDE, seed=5)
    state = blank_state(trained, cut(batch, 0, 1))
    step = Step(trained, cut(batch, 0, 1), list(state)).eval()
    frame = batch.inputs["rgb"][:, :, 0]
    program = torch.export.export(step, (frame, *state.values())).module()
    whole = trained([batch])[0]
    values = list(state.values())
    for t in range(3):
        *outputs, values = _divided(program(batch.inputs["rgb"][:, :, t], *values), len(whole))
        for name, found in zip(whole, outputs, strict=True):
            torch.testing.assert_close(found[:, 0], whole[name][-1][:, t], atol=1e-5, rtol=0)


def _divided(found, count):
    return (*found[:count], list(found[count:]))


def test_points_lie_where_the_heat_is():
    stage = ReadStage(3, 2, 4)
    with torch.no_grad():
        stage.heat.weight.zero_()
        stage.heat.weight[0, 0, 0, 0] = 100.0
        x = torch.zeros(1, 3, 1, 5, 8)
        x[0, 0, 0, 3, 6], x[0, 1] = 1.0, 2.0
        values, _ = stage(x, {})
    assert values.shape == (1, 4 + 4, 1, 2)
    torch.testing.assert_close(values[0, :2, 0, 0], torch.tensor([6.5 / 8, 3.5 / 5]))
    torch.testing.assert_close(values[0, :2, 0, 1], torch.tensor([0.5, 0.5]))  # no heat: middle
    assert values[0, 3, 0].tolist() == pytest.approx([1.0, 4 / 40], abs=1e-5)
    # what is gathered under the first point is the feature there
    depth = stage.depth[0] @ torch.tensor([1.0, 2.0, 0.0]) + 0.5
    torch.testing.assert_close(values[0, 2, 0, 0], depth.detach())


def test_pixel_centers_go_row_by_row():
    assert pixel_centers(1, 2).tolist() == [[0.25, 0.5], [0.75, 0.5]]
    assert pixel_centers(2, 1).tolist() == [[0.5, 0.25], [0.5, 0.75]]


@pytest.mark.parametrize(
    ("size", "least", "most"), [("s", 40, 80), ("m", 120, 200), ("l", 350, 600)]
)
def test_sizes_cost_what_they_shall(size, least, most):
    spec = InputSpec(size=256, frames=1)
    values = {"encoder": {"kind": "stream", "size": size}}
    network = build_network(
        read_config(MultiTaskConfig, values, "test"), by_name(frames("phase")), input_shapes(spec)
    )
    assert least < network_cost(network, spec).macs / 1e6 < most
    bytes_of = sum(v.numel() * 4 for v in network.state_dict().values())
    assert bytes_of < 16 * 2**20


@pytest.mark.parametrize("modality", ["rgb", "depth"])
@pytest.mark.parametrize(("side", "patch"), [(112, 2), (144, 4), (256, 4)])
def test_inputs_of_many_sizes(modality, side, patch):
    spec = InputSpec(modality=modality, size=side, frames=1)
    encoder = build_stream(StreamConfig(size="s", patch=patch), inputs=input_shapes(spec)).eval()
    batch = blank_batch(spec)
    with torch.no_grad():
        found = list(encoder.run(batch.inputs, {}, 5, {}, {}))
    assert found[0].shape[-1] == -(-side // (2 * patch)) == -(-side // encoder.info[0].stride_s)
    assert [x.shape[2] for x in found] == [1] * 5


def test_it_always_looks_back_only():
    assert set(SIZES) == {"s", "m", "l"}
    assert ENCODERS["stream"].config is StreamConfig
    assert "causal" not in StreamConfig.model_fields
