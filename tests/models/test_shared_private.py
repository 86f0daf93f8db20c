import pytest
import torch
from model_helpers import by_name, frames, make_batch, make_network, mask, vector
from torch import nn

from onebody.models import Ask

TASKS = by_name(vector("a"), vector("b"))


def choose(network, task, expert):
    """Make a task's gate choose one of its experts, the shared ones first."""
    gate = network.sharing.gates[task]
    nn.init.zeros_(gate.weight)
    with torch.no_grad():
        gate.bias.fill_(-50.0)[expert] = 50.0


def alone(network, stages):
    """Make a hard-sharing network of the common stem and some expert's stages."""
    hard = make_network("light", TASKS).eval()
    stem = network.sharing.common[0].stem.state_dict()
    own = {f"encoder.stem.{k}": v for k, v in stem.items()}
    own |= {f"encoder.stages.{k}": v for k, v in stages.state_dict().items()}
    hard.sharing.load_state_dict(own)
    hard.heads.load_state_dict(network.heads.state_dict())
    return hard


@pytest.mark.parametrize("expert", [0, 1])
def test_a_gate_that_chooses_one_expert_gives_its_features(expert) -> None:
    network = make_network("light", TASKS, sharing="shared-private").eval()
    for task in TASKS:
        choose(network, task, expert)
    batch = make_batch(2, 3)
    found = network([batch])[0]
    for task in TASKS:
        of = network.sharing.private[task][0] if expert else network.sharing.common[0]
        expected = alone(network, of.stages)([batch])[0][task][-1]
        torch.testing.assert_close(found[task][-1], expected)


def test_no_task_reads_what_is_another_ones_own() -> None:
    network = make_network("light", TASKS, sharing="shared-private").train()
    outputs = network([make_batch(3, 2)], [{"a": mask(1, 1, 0)}])
    outputs[0]["a"][-1].square().sum().backward()
    heard = {n for n, p in network.named_parameters() if p.grad is not None}
    assert any(n.startswith("sharing.common.0.stages") for n in heard)
    assert any(n.startswith("sharing.private.a") for n in heard)
    assert not any(n.startswith("sharing.private.b") for n in heard)
    assert not any(n.startswith("sharing.gates.b") for n in heard)


def test_experts_of_one_stem_only() -> None:
    sharing = {"kind": "shared-private", "shared": 2, "private": 3}
    network = make_network("light", TASKS, sharing=sharing)
    stems = [n for n in network.state_dict() if ".stem." in n]
    assert stems
    assert all(n.startswith("sharing.common.0.stem.") for n in stems)
    assert network.sharing.gates["a"].out_features == 5


def test_private_experts_end_where_their_head_reads() -> None:
    network = make_network(
        "light",
        TASKS,
        sharing="shared-private",
        heads={"a": {"kind": "class", "stage": 0}},
    )
    assert len(network.sharing.private["a"][0].stages) == 1
    assert len(network.sharing.private["b"][0].stages) == len(network.sharing.info)


def test_what_is_shared_are_the_shared_experts() -> None:
    network = make_network("light", TASKS, sharing="shared-private")
    deep = max(network.heads["a"].stages)
    asks = {name: Ask(stages=(deep,)) for name in TASKS}
    both = {id(p) for p in network.sharing.shared(asks)}
    own = {id(p) for p in network.sharing.private.parameters()}
    assert both
    assert not both & own


@pytest.mark.parametrize("gate", ["clip", "frame"])
def test_only_gates_per_frame_run_on_a_stream(gate) -> None:
    sharing = {"kind": "shared-private", "gate": gate}
    network = make_network("light-causal", by_name(frames("phase")), sharing=sharing).eval()
    assert network.causal == (gate == "frame")
    if gate == "clip":
        with pytest.raises(ValueError, match=r"the encoder or the gate .* 'gate: frame'"):
            network.stream(make_batch(1, 1), {})
