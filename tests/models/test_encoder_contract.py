"""What every encoder must do under every way of sharing it. A new part is tested by its entry."""

import itertools

import pytest
import torch
from model_helpers import (
    SHARED,
    TINY,
    batch_for,
    by_name,
    cut,
    forms_of,
    frames,
    make_network,
    mask,
    time_axis,
    union,
    vector,
)

from onebody.models import ENCODERS, Ask, all_rows
from onebody.models.multitask import MultiTask

VARIANTS = (
    "light",
    "resnet3d-hara",
    "skeleton",
    "stgcn-causal",
    "tcn-imu",
    "two-stream",
    "two-stream-causal",
    "recurrent",
    "recurrent-hybrid",
    "hierarchy-causal",
    "jtm",
    "fusion-causal",
    "fusion-late",
)
"""Encoders that differ from others in their stages' insides only: one way of sharing will do."""

EACH = [(e, s) for e, s in itertools.product(TINY, SHARED) if s == "hard" or e not in VARIANTS]
CAUSAL_HEADS = {"action": {"kind": "class", "window": 4}}
every = pytest.mark.parametrize(("encoder", "sharing"), EACH)


def _loss(outputs) -> torch.Tensor:
    found = [o.square().mean() for batch in outputs for many in batch.values() for o in many]
    return torch.stack(found).sum()


def _gradients(network, part: str) -> list[torch.Tensor | None]:
    return [p.grad for name, p in network.named_parameters() if name.startswith(part)]


def test_every_encoder_has_a_tiny_config() -> None:
    missing = set(ENCODERS) - {values["kind"] for values in TINY.values()}
    assert not missing, f"add a tiny config to TINY for: {', '.join(missing)}"
    assert {values["kind"] for values in TINY.values()} <= set(ENCODERS)


@every
@pytest.mark.parametrize(
    ("num_frames", "height", "width"), [(1, 32, 32), (7, 33, 47), (16, 32, 40)]
)
def test_forward_and_backward(encoder, sharing, num_frames, height, width) -> None:
    network = make_network(encoder, forms_of(encoder), sharing=sharing).train()
    outputs = network([batch_for(encoder, 2, num_frames, height, width)])
    assert list(outputs[0]) == list(network.tasks)
    for name, found in outputs[0].items():
        task = network.tasks[name]
        shapes = {
            "vector": (2, task.num_outputs),
            "frames": (2, num_frames, task.num_outputs),
            "joints": (2, num_frames, task.num_outputs, task.dims + 1),
        }
        assert found[-1].shape == shapes[task.form], name
    _loss(outputs).backward()
    gradients = {name: p.grad for name, p in network.named_parameters()}
    unused = [name for name, gradient in gradients.items() if gradient is None]
    if sharing == "learned":  # runs what it draws
        unused = [name for name in unused if ".copies." not in name]
    assert not unused
    found = [gradient for gradient in gradients.values() if gradient is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in found)


@every
def test_a_step_of_stills_and_clips(encoder, sharing) -> None:
    network = make_network(encoder, forms_of(encoder), sharing=sharing).eval()
    stills, clips = batch_for(encoder, 3, 1), batch_for(encoder, 2, 5, seed=1)
    together = network([stills, clips])
    for batch, outputs in zip((stills, clips), together, strict=True):
        (alone,) = network([batch])
        for name in alone:
            assert torch.allclose(outputs[name][-1], alone[name][-1], atol=1e-5)


@every
def test_only_asked_rows_come_back_and_they_are_the_same(encoder, sharing) -> None:
    network = make_network(encoder, forms_of(encoder), sharing=sharing).eval()
    batch = batch_for(encoder, 4, 3)
    rows = {"action": mask(1, 0, 0, 1), "pose": mask(0, 0, 1, 1), "body": mask(0, 0, 0, 0)}
    (outputs,), (whole,) = network([batch], [rows]), network([batch])
    assert list(outputs) == ["action", "pose"]
    for name, found in outputs.items():
        assert torch.allclose(found[-1], whole[name][-1][rows[name]], atol=1e-4)
    assert network([batch], [{}]) == [{}]


@every
def test_a_task_asked_of_no_row_gets_no_gradient(encoder, sharing) -> None:
    network = make_network(encoder, forms_of(encoder), sharing=sharing).train()
    batch = batch_for(encoder, 3, 4)
    rows = {"action": mask(1, 1, 0), "body": mask(0, 0, 0)}
    _loss(network([batch], [rows])).backward()
    for name in ("phase", "pose", "body"):
        assert all(gradient is None for gradient in _gradients(network, f"heads.{name}"))
    assert all(gradient is not None for gradient in _gradients(network, "heads.action"))


@every
@pytest.mark.parametrize("how", ["not asked", "not valid"])
def test_nan_in_an_absent_row_does_not_leak(encoder, sharing, how) -> None:
    network = make_network(encoder, forms_of(encoder), sharing=sharing).train()
    clean = batch_for(encoder, 3, 4)
    inputs = {name: x.clone() for name, x in clean.inputs.items()}
    valid = dict.fromkeys(inputs, mask(1, 1, 0))
    for x in inputs.values():
        x[2] = torch.nan
    kept = mask(1, 1, 0) if how == "not asked" else mask(1, 1, 1)
    batch = type(clean)(
        inputs=inputs, valid=valid if how == "not valid" else {}, context=clean.context
    )
    outputs = network([batch], [dict.fromkeys(network.tasks, kept)])
    assert all(bool(o.isfinite().all()) for many in outputs[0].values() for o in many)
    _loss(outputs).backward()
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters() if p.grad is not None)
    assert all(bool(value.isfinite().all()) for value in network.state_dict().values())


@every
@pytest.mark.parametrize(("num_frames", "height", "width"), [(1, 32, 32), (7, 33, 47)])
def test_info_tells_the_features(encoder, sharing, num_frames, height, width) -> None:
    network = make_network(encoder, by_name(vector("action")), sharing=sharing).eval()
    shared, batch = network.sharing, batch_for(encoder, 2, num_frames, height, width)
    asks = {"action": Ask(stages=tuple(range(len(shared.info))))}
    features, _ = shared(batch.inputs, {}, asks, {})
    for number, info in enumerate(shared.info):
        x = features["action"][number]
        space = {
            "vector": (),
            "joints": (info.points,),
            "map": (-(-height // info.stride_s), -(-width // info.stride_s)),
        }[info.space]
        assert x.shape == (2, info.width, -(-num_frames // info.stride_t), *space)


@every
def test_shared_parameters_hear_every_task(encoder, sharing) -> None:
    network = make_network(encoder, forms_of(encoder), sharing=sharing).train()
    shared = network.shared(list(network.tasks))
    assert shared
    batch = batch_for(encoder, 2, 4)
    for name in network.tasks:
        everyone = all_rows(batch, [name])
        found = torch.autograd.grad(_loss(network([batch], [everyone])), shared, allow_unused=True)
        assert all(gradient is not None for gradient in found), name
        assert any(float(gradient.abs().max()) > 0 for gradient in found), name


@every
def test_shared_is_deeper_for_tasks_that_read_deeper(encoder, sharing) -> None:
    if sharing == "learned":
        pytest.skip(
            "what is shared depends on routes, not on depth alone: see test_learned_sharing.py"
        )
    tasks = by_name(vector("action"), vector("early"))
    heads = {"early": {"kind": "class", "stage": 0}}
    network = make_network(encoder, tasks, sharing=sharing, heads=heads)
    one = {id(p) for p in network.shared(["action"])}
    both = {id(p) for p in network.shared(["action", "early"])}
    assert both == {id(p) for p in network.shared(["early"])}
    assert not one & both


@every
def test_stages_below_what_is_asked_are_all_that_runs(encoder, sharing) -> None:
    tasks = by_name(vector("deep"), vector("early"))
    heads = {"early": {"kind": "class", "stage": 1}}
    network = make_network(encoder, tasks, sharing=sharing, heads=heads).eval()
    batch = batch_for(encoder, 2, 2)
    ran: list[str] = []
    for name, module in network.named_modules():
        if name.endswith((".stages.1", ".stages.2", ".stages.3", "heads.deep")):
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    network([batch], [all_rows(batch, ["early"])])
    assert ran
    assert all(name.endswith(".stages.1") for name in ran)


@every
def test_bfloat16_autocast(encoder, sharing) -> None:
    network = make_network(encoder, forms_of(encoder), sharing=sharing, fresh=True).eval()
    batch = batch_for(encoder, 2, 4)
    (full,) = network([batch])
    with torch.autocast("cpu", torch.bfloat16):
        outputs = network([batch])
        loss = _loss(outputs)
    loss.backward()
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters() if p.grad is not None)
    for name, found in outputs[0].items():
        assert found[-1].dtype == torch.float32
        reference = full[name][-1].detach()
        size = 1.0 + reference.abs().max()
        assert float((found[-1].detach() - reference).abs().max() / size) < 0.05


@every
def test_causal_networks_give_a_stream_what_they_give_a_clip(encoder, sharing) -> None:
    tasks = forms_of(encoder) | by_name(union("both", "action"))
    network = make_network(encoder, tasks, sharing=sharing, heads=CAUSAL_HEADS).eval()
    batch = batch_for(encoder, 2, 9)
    if not network.causal:
        with pytest.raises(ValueError, match="cannot run on a stream: the encoder"):
            network.stream(batch, {})
        return
    (whole,) = network([batch])
    for pieces in ([1] * 9, [4, 5], [2, 6, 1], [9]):
        state: dict[str, torch.Tensor] = {}
        outputs, start = [], 0
        for length in pieces:
            found, state = network.stream(cut(batch, start, start + length), state)
            outputs.append(found)
            start += length
        for name in ("phase", "pose"):
            joined = torch.cat([found[name][-1] for found in outputs], 1)
            assert torch.allclose(joined, whole[name][-1], atol=1e-5)
        for name in ("action", "both"):
            assert torch.allclose(outputs[-1][name][-1], whole[name][-1], atol=1e-5)


@every
@torch.no_grad()
def test_looking_ahead_is_what_causal_says(encoder, sharing) -> None:
    network = make_network(encoder, by_name(frames("phase")), sharing=sharing).eval()
    assert isinstance(network, MultiTask)
    batch = batch_for(encoder, 1, 12)
    changed = {name: before.clone() for name, before in batch.inputs.items()}
    for name, values in changed.items():
        late = values.narrow(time_axis(name), 8, 4)
        late.copy_(1 - late)
    other = type(batch)(inputs=changed, context=batch.context)
    moved = (network([batch])[0]["phase"][-1] - network([other])[0]["phase"][-1])[0, :8].abs().max()
    assert (float(moved) < 1e-6) == network.causal


@every
def test_one_task_alone_and_one_row_alone_work(encoder, sharing) -> None:
    network = make_network(encoder, by_name(vector("action")), sharing=sharing).train()
    batch = batch_for(encoder, 3, 2)
    outputs = network([batch], [{"action": mask(0, 1, 0)}])
    assert outputs[0]["action"][-1].shape == (1, 3)
    _loss(outputs).backward()
    assert all(gradient is not None for gradient in _gradients(network, "heads.action"))
    assert any(gradient is not None for gradient in _gradients(network, "sharing"))


@every
def test_a_task_begins_the_same_whatever_the_others_are(encoder, sharing) -> None:
    """Which is what makes a comparison with single-task twins fair."""
    alone = make_network(encoder, by_name(vector("b")), sharing=sharing, fresh=True).state_dict()
    tasks = by_name(frames("a"), vector("b"), vector("c"))
    among = make_network(encoder, tasks, sharing=sharing, fresh=True).state_dict()
    common = [name for name in alone if name in among and not name.endswith("table")]
    assert any("stages.0." in name for name in common)
    assert all(torch.equal(alone[name], among[name]) for name in common)


@every
def test_arrays_by_name_are_all_there_is_to_a_network(encoder, sharing) -> None:
    network, other = (make_network(encoder, forms_of(encoder), sharing=sharing) for _ in range(2))
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict({k: v.clone() for k, v in network.state_dict().items()})
    batch = batch_for(encoder, 2, 3)
    (first,), (second,) = network.eval()([batch]), other.eval()([batch])
    assert all(torch.equal(first[name][-1], second[name][-1]) for name in first)
