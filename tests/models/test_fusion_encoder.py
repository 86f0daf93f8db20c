"""Fusion of several media: what is missing influences nothing, however media are joined."""

import pytest
import torch
from model_helpers import SKELETONS, WORN, by_name, make_context, make_network, mask, vector

from onebody.config import read_config
from onebody.data import Batch
from onebody.models import InputShape, MultiTaskConfig, build_network
from onebody.models.fusion import FusionConfig, build_fusion
from onebody.models.fusion_parts import FusionStem
from scrambled import scramble

BRANCHES = {
    "skeleton": {"kind": "skeleton", "channels": 8, "depth": 2, "dropout": 0},
    "imu": {
        "kind": "imu-spectral",
        "branch": 4,
        "channels": 6,
        "window": 8,
        "hop": 4,
        "dropout": 0,
    },
}
HOWS = ("early", "attention", "average", "late")
every_how = pytest.mark.parametrize("how", HOWS)


def config(how: str = "attention", **more) -> dict:
    return {"kind": "fusion", "branches": BRANCHES, "how": how, "channels": 8, **more}


def network(how: str, **more):
    heads = {"action": {"kind": "late" if how == "late" else "class", "dropout": 0}}
    values = config(how, dropout=0, **more)
    return make_network(values, by_name(vector("action")), heads=heads)


def batch(rows: int = 4, valid=None, *, noise: int = 0) -> Batch:
    """Make rows of 6 skeletons and 20 readings; ``noise`` changes what is not valid."""
    draw = torch.Generator().manual_seed(0)
    inputs = {
        "skeleton": torch.rand(rows, 6, 20, 3, generator=draw),
        "imu": torch.rand(rows, 20, 2, 6, generator=draw),
    }
    for name, there in (valid or {}).items():
        rest = there.view(*there.shape, *(1,) * (4 - there.dim()))
        inputs[name] = torch.where(rest, inputs[name], torch.nan if noise else torch.zeros(()))
    return Batch(inputs=inputs, valid=dict(valid or {}), context=make_context(rows, 6))


def loss(outputs) -> torch.Tensor:
    return torch.stack([o.square().mean() for o in outputs["action"]]).sum()


@every_how
@pytest.mark.parametrize("train", [False, True])
def test_what_is_missing_influences_nothing(how, train) -> None:
    valid = {"skeleton": mask(1, 0, 1, 1), "imu": mask(0, 1, 1, 1)}
    gradients, answers = [], []
    for noise in (0, 1):
        net = network(how).train(train)
        (outputs,) = net([batch(valid=valid, noise=noise)])
        loss(outputs).backward()
        answers.append(outputs["action"][-1])
        gradients.append([p.grad for p in net.parameters() if p.grad is not None])
    assert bool(answers[0].isfinite().all())
    assert torch.equal(answers[0], answers[1])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@every_how
def test_a_medium_that_is_masked_is_one_that_is_not_there(how) -> None:
    net = network(how).eval()
    nobody = mask(0, 0, 0, 0)
    (masked,) = net([batch(valid={"imu": nobody}, noise=1)])
    whole = batch()
    (absent,) = net([Batch(inputs={"skeleton": whole.inputs["skeleton"]}, context=whole.context)])
    assert torch.equal(masked["action"][-1], absent["action"][-1])
    (full,) = net([whole])
    assert not torch.allclose(full["action"][-1], masked["action"][-1], atol=1e-4)


@every_how
def test_a_branch_without_any_row_gets_no_gradient_and_keeps_its_statistics(how) -> None:
    net = network(how).train()
    before = {name: value.clone() for name, value in net.named_buffers() if ".imu." in name}
    (outputs,) = net([batch(valid={"imu": mask(0, 0, 0, 0)}, noise=1)])
    loss(outputs).backward()
    own = [p.grad for name, p in net.named_parameters() if ".branches.imu." in name]
    assert own
    assert all(gradient is None for gradient in own)
    assert before
    assert all(torch.equal(value, before[n]) for n, value in net.named_buffers() if n in before)


@every_how
def test_rows_that_lack_a_medium_leave_the_statistics_of_others_alone(how) -> None:
    """Zeros in the place of missing rows would shift the norms of their branch."""
    net = network(how).train()
    kept = mask(1, 1, 1, 0)
    net([batch(valid={"imu": kept}, noise=1)])
    other = network(how).train()
    whole = batch()
    other([Batch(inputs={k: v[kept] for k, v in whole.inputs.items()}, context=make_context(3, 6))])
    found, wanted = dict(net.named_buffers()), dict(other.named_buffers())
    names = [n for n in found if ".branches.imu." in n and "running" in n]
    assert names
    assert all(torch.allclose(found[n], wanted[n]) for n in names)


@every_how
def test_a_row_without_any_medium_has_an_answer_and_teaches_no_branch(how) -> None:
    net = network(how).train()
    nothing = {"skeleton": mask(1, 0, 1, 1), "imu": mask(1, 0, 1, 1)}
    data = batch(valid=nothing, noise=1)
    (outputs,) = net([data], [{"action": mask(0, 1, 0, 0)}])
    assert bool(outputs["action"][-1].isfinite().all())
    loss(outputs).backward()
    own = [p.grad for n, p in net.named_parameters() if ".branches." in n and p.grad is not None]
    assert all(not gradient.any() for gradient in own)


@pytest.mark.parametrize("how", ["early", "attention"])
def test_rows_do_not_depend_on_what_others_lack(how) -> None:
    net = network(how).eval()
    (whole,) = net([batch()])
    (some,) = net([batch(valid={"imu": mask(0, 1, 1, 1)}, noise=1)])
    assert torch.allclose(whole["action"][-1][1:], some["action"][-1][1:], atol=1e-6)
    assert not torch.allclose(whole["action"][-1][0], some["action"][-1][0], atol=1e-4)


def test_dropped_media_are_drawn_by_row_and_one_always_stays() -> None:
    stem = build_fusion(
        read_config(FusionConfig, config(drop=0.6), "test"), inputs={**SKELETONS, **WORN}
    ).stem
    assert isinstance(stem, FusionStem)
    torch.manual_seed(0)
    there = torch.ones(4000, 2, dtype=torch.bool)
    there[:1000, 0] = False
    dropped = stem._dropped(there)
    assert not dropped[:1000].any()
    both = dropped[1000:]
    assert not both.all(1).any()
    # one of two is dropped unless neither is (0.4 * 0.4)
    assert float(both.any(1).float().mean()) == pytest.approx(0.84, abs=0.03)
    torch.manual_seed(0)
    assert torch.equal(dropped, stem._dropped(there))


def test_nothing_is_dropped_in_a_test() -> None:
    net = network("attention", drop=0.9)
    once, again = (net.eval()([batch()])[0]["action"][-1] for _ in range(2))
    assert torch.equal(once, again)
    torch.manual_seed(1)
    trained = [net.train()([batch()])[0]["action"][-1] for _ in range(4)]
    assert not all(torch.equal(trained[0], other) for other in trained[1:])


VIEWS = {name: InputShape(channels=3) for name in ("rgb", "rgb/2", "rgb/3")}
TRUNK = {"kind": "light", "width": 0.25, "keypoints": 0, "temporal_width": 8, "dilations": []}


def views(shared: bool, adapter: int = 4):
    values = {"kind": "fusion", "branches": {"rgb": TRUNK}, "channels": 8, "shared": shared}
    made = read_config(MultiTaskConfig, {"encoder": {**values, "adapter": adapter}}, "test")
    torch.manual_seed(0)
    return build_network(made, by_name(vector("action")), VIEWS)


def view_batch(valid=None) -> Batch:
    draw = torch.Generator().manual_seed(0)
    inputs = {name: torch.rand(3, 3, 4, 16, 16, generator=draw) for name in VIEWS}
    return Batch(inputs=inputs, valid=dict(valid or {}), context=make_context(3, 4))


def test_views_of_one_kind_share_weights_and_have_adapters_of_their_own() -> None:
    apart, shared = views(shared=False), views(shared=True)
    stem = shared.bodies[0].stem
    assert list(stem.branches) == ["rgb"]
    assert stem.media == ("rgb", "rgb/2", "rgb/3")
    assert list(stem.projections["rgb"].own) == ["rgb", "rgb/2", "rgb/3"]
    assert list(apart.bodies[0].stem.branches) == ["rgb", "rgb/2", "rgb/3"]
    sizes = [sum(p.numel() for p in net.parameters()) for net in (shared, apart)]
    assert sizes[0] < 0.5 * sizes[1]
    assert not views(shared=True, adapter=0).bodies[0].stem.projections["rgb"].own


def test_adapters_begin_with_nothing_and_views_then_differ() -> None:
    net = views(shared=True).eval()
    data = view_batch()
    swapped = Batch(
        inputs={
            "rgb": data.inputs["rgb/2"],
            "rgb/2": data.inputs["rgb"],
            "rgb/3": data.inputs["rgb/3"],
        },
        context=data.context,
    )
    first, second = (net([b])[0]["action"][-1] for b in (data, swapped))
    assert torch.allclose(first, second, atol=1e-5)
    scramble(net)
    first, second = (net.eval()([b])[0]["action"][-1] for b in (data, swapped))
    assert not torch.allclose(first, second, atol=1e-4)


def test_shared_views_are_normalized_together() -> None:
    """One pass of all views in training, so that statistics are those of a test."""
    net = views(shared=True).train()
    seen: list[int] = []
    stem = net.bodies[0].stem
    stem.branches["rgb"].stem.register_forward_hook(lambda *given: seen.append(len(given[2][0])))
    net([view_batch({"rgb/2": mask(1, 0, 0)})])
    assert seen == [3 + 1 + 3]
    net.eval()([view_batch({"rgb/2": mask(0, 0, 0)})])
    assert seen[1:] == [3, 3]


def test_a_penalty_pulls_dimensions_to_nothing_in_groups_over_media() -> None:
    net = network("attention", sparse=0.5).train()
    stem = net.bodies[0].stem
    scales = [p.norm.norm.weight for p in stem.projections.values()]
    with torch.no_grad():
        scales[0].copy_(torch.tensor([3.0, 0, 1, 1, 1, 1, 1, 1]))
        scales[1].copy_(torch.tensor([4.0, 2, 0, 0, 0, 0, 0, 0]))
    for scale in scales:
        scale.grad = torch.zeros_like(scale)
    net.after_backward()
    assert scales[0].grad[:3].tolist() == pytest.approx([0.5 * 3 / 5, 0.0, 0.5])
    assert scales[1].grad[:3].tolist() == pytest.approx([0.5 * 4 / 5, 0.5, 0.0])
    scales[1].grad = None
    net.after_backward()
    assert scales[1].grad is None  # nobody has seen it in this step
    plain = network("attention").train()
    (outputs,) = plain([batch()])
    loss(outputs).backward()
    before = [p.grad.clone() for p in plain.parameters()]
    plain.after_backward()
    assert all(torch.equal(a, p.grad) for a, p in zip(before, plain.parameters(), strict=True))


def test_configs_that_do_not_fit_are_refused() -> None:
    given = {**SKELETONS, **WORN}

    def built(**more):
        return build_fusion(read_config(FusionConfig, config(**more), "test"), inputs=given)

    with pytest.raises(ValueError, match="branch for 'rgb', which the network is not given"):
        built(branches={**BRANCHES, "rgb": {"kind": "light"}})
    with pytest.raises(ValueError, match="no branch for 'imu'"):
        built(branches={"skeleton": BRANCHES["skeleton"]})
    with pytest.raises(ValueError, match="a fusion itself"):
        built(branches={"skeleton": config()})
    with pytest.raises(ValueError, match="take norm: layer"):
        built(how="late", norm="batch")
    with pytest.raises(ValueError, match="reads joints, but 'imu' holds sensor readings"):
        built(branches={**BRANCHES, "imu": {"kind": "skeleton"}})


def test_media_of_a_network_that_looks_back_only_have_equal_frames() -> None:
    branches = {
        "skeleton": {"kind": "skeleton", "channels": 8, "causal": True},
        "imu": {"kind": "tcn-imu", "channels": 8, "causal": True},
    }
    values = config(causal=True)
    net = make_network({**values, "branches": branches}, by_name(vector("action")))
    assert net.causal
    with pytest.raises(ValueError, match="found skeleton: 6, imu: 20 frames"):
        net([batch()])
    assert not make_network(values, by_name(vector("action"))).causal


def test_a_batch_of_other_media_is_refused() -> None:
    other = Batch(inputs={"rgb": torch.zeros(1, 3, 2, 8, 8)}, context=make_context(1, 2))
    with pytest.raises(ValueError, match="reads skeleton, imu, but the batch holds: rgb"):
        network("average").eval()([other])
