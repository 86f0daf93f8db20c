"""What the graph network and the transformer over joints have in common, and their options."""

import pytest
import torch

from onebody.config import read_config
from onebody.models import ENCODERS, InputShape
from onebody.models.attention import AxisAttention, DistanceBias, JointBias
from onebody.models.stgcn import TemporalBranches
from onebody.skeletons import SKELETONS

SMALL = {
    "stgcn": {"channels": 8, "depth": 3, "blocks": 1},
    "skeleton-transformer": {"channels": 8, "depth": 3, "heads": 2},
}
both = pytest.mark.parametrize("kind", SMALL)


def _encoder(kind, layout="kinect-20", dims=3, **options):
    torch.manual_seed(0)
    config = read_config(ENCODERS[kind].config, {**SMALL[kind], **options}, "test")
    shape = InputShape(channels=dims, skeleton=layout)
    return ENCODERS[kind].build(config, inputs={"skeleton": shape})


def _joints(rows=2, frames=6, joints=20, dims=3):
    return torch.randn(rows, frames, joints, dims, generator=torch.Generator().manual_seed(1))


def _run(encoder, x, valid=None):
    given = {} if valid is None else {"skeleton": valid}
    *_, last = encoder.run({"skeleton": x}, given, len(encoder.stages), {}, {})
    return last


@both
@pytest.mark.parametrize("stream", ["joint", "bone", "joint-motion", "bone-motion"])
@pytest.mark.parametrize("garbage", [torch.nan, 1e9])
def test_missing_joints_influence_nothing(kind, stream, garbage):
    encoder, x = _encoder(kind, stream=stream).train(), _joints()
    known = torch.ones(2, 6, 20, dtype=torch.bool)
    known[0, 2:4, 5] = False
    known[1, :, 11] = False
    spoiled = torch.where(known[..., None], x, garbage)
    torch.manual_seed(0)
    expected = _run(encoder, x, known)
    torch.manual_seed(0)
    found = _run(encoder, spoiled, known)
    assert torch.equal(found, expected)
    found.square().sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in encoder.parameters() if p.grad is not None)


@both
def test_a_missing_joint_is_not_one_in_the_origin(kind):
    encoder, x = _encoder(kind).eval(), _joints()
    x[:, :, 5] = 0
    known = torch.ones(2, 6, 20, dtype=torch.bool)
    known[:, :, 5] = False
    assert not torch.allclose(_run(encoder, x), _run(encoder, x, known))


@both
@pytest.mark.parametrize("name", SKELETONS)
def test_any_layout_any_dimension_and_any_number_of_frames(kind, name):
    dims = 2 + len(name) % 2
    joints = len(SKELETONS[name])
    encoder = _encoder(kind, name, dims).eval()
    for frames in (1, 2, 7):
        found = _run(encoder, _joints(1, frames, joints, dims))
        assert found.shape == (1, encoder.info[-1].width, -(-frames // 4), joints)


def test_widths_and_strides_of_the_stages():
    encoder = _encoder("stgcn", channels=16, depth=4, width=0.5, growth=2.0, strides=(2, 1, 2))
    assert [info.width for info in encoder.info] == [8, 16, 32, 64]
    assert [info.stride_t for info in encoder.info] == [2, 2, 4, 4]
    assert {(info.space, info.points) for info in encoder.info} == {("joints", 20)}
    encoder = _encoder("skeleton-transformer", width=1.4, strides=(1, 3))
    assert [info.width for info in encoder.info] == [12, 12, 12]  # 11.2 has no two even parts
    assert [info.stride_t for info in encoder.info] == [1, 3, 3]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("stgcn", {"causal": True}, r"it needs strides: \[1\]"),
        ("stgcn", {"causal": True, "strides": (1,), "topology": "refined"}, "look ahead"),
        ("skeleton-transformer", {"channels": 9}, "2 'heads' share evenly, found 9"),
    ],
)
def test_impossible_options_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        _encoder(kind, **options)


@both
def test_pictures_are_refused(kind):
    config = ENCODERS[kind].config()
    with pytest.raises(ValueError, match="reads joints, but 'rgb' holds pictures"):
        ENCODERS[kind].build(config, inputs={"rgb": InputShape(channels=3)})


@pytest.mark.parametrize("causal", [False, True])
def test_branches_in_time_reach_as_far_as_they_say(causal):
    torch.manual_seed(0)
    branches = TemporalBranches(8, (1, 3), 1, dropout=0.0, causal=causal).eval()
    torch.nn.init.eye_(branches.reduce.linear.weight)  # so that nothing is cut off
    x = torch.zeros(1, 8, 15, 1)
    moved = x.clone()
    moved[:, :, 7] = 1
    changed = (branches(moved, {})[0] != branches(x, {})[0]).any(1).flatten()
    expected = {7, 8, 9, 10, 13} if causal else {4, 6, 7, 8, 10}
    assert set(changed.nonzero().flatten().tolist()) == expected


def test_attention_is_what_one_computes_by_hand():
    torch.manual_seed(0)
    attention = AxisAttention(4, 2, "frames", DistanceBias(2, reach=2))
    torch.nn.init.normal_(attention.bias.table)
    x = torch.randn(1, 5, 3, 4)
    found = attention(x)
    asked = attention.ask(x)  # query, key and value of 2 heads of 2 channels
    joint = 1
    heads = []
    for head in range(2):
        query, key, value = (
            asked[0, :, joint, 4 * part + 2 * head : 4 * part + 2 * head + 2] for part in range(3)
        )
        apart = torch.tensor([[min(max(j - i, -2), 2) + 2 for j in range(5)] for i in range(5)])
        scores = query @ key.T / 2**0.5 + attention.bias.table[head][apart]
        heads.append(scores.softmax(-1) @ value)
    expected = attention.join(torch.cat(heads, -1))
    assert torch.allclose(found[0, :, joint], expected, atol=1e-6)


def test_attention_over_joints_keeps_frames_apart():
    torch.manual_seed(0)
    attention = AxisAttention(4, 2, "joints", JointBias(2, 6))
    x = torch.randn(2, 5, 6, 4)
    changed = x.clone()
    changed[:, 3] += 1
    moved = (attention(x) != attention(changed)).flatten(2).any(2)
    assert moved.tolist() == [[False, False, False, True, False]] * 2
