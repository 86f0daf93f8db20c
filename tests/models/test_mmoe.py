import pytest
import torch
from model_helpers import by_name, cut, frames, make_batch, make_network, mask, vector
from torch import nn

from onebody.models import Ask
from onebody.models.mmoe import mix

TASKS = by_name(vector("a"), vector("b"))


def test_the_mixture_is_its_formula() -> None:
    x = [torch.randn(2, 3, 4, 5, 6) for _ in range(3)]
    gate = torch.rand(2, 1, 3)
    expected = torch.einsum("ebcthw,be->bcthw", torch.stack(x), gate[:, 0])
    torch.testing.assert_close(mix(x, gate), expected)
    every = torch.rand(2, 4, 3)
    expected = torch.einsum("ebct,bte->bct", torch.stack(x)[..., 0, 0], every)
    torch.testing.assert_close(mix([v[..., 0, 0] for v in x], every), expected)


def test_gates_of_more_frames_are_spread_over_a_stage() -> None:
    x = [torch.ones(1, 1, 3), torch.zeros(1, 1, 3)]
    gate = torch.stack((torch.arange(6.0), torch.zeros(6)), -1).unsqueeze(0)
    assert mix(x, gate).flatten().tolist() == [0.0, 2.0, 4.0]


def test_a_gate_that_chooses_one_expert_gives_its_features() -> None:
    sharing = {"kind": "mmoe", "experts": 2}
    network = make_network("light", TASKS, sharing=sharing).eval()
    for task, expert in (("a", 0), ("b", 1)):
        gate = network.sharing.gates[task]
        nn.init.zeros_(gate.weight)
        with torch.no_grad():
            gate.bias.fill_(-50.0)[expert] = 50.0
    batch, hard = make_batch(2, 3), make_network("light", TASKS).eval()
    found = network([batch])[0]
    for task, expert in (("a", 0), ("b", 1)):
        given = network.state_dict()
        own = {
            f"encoder.stem.{k}": v for k, v in network.sharing.experts[0].stem.state_dict().items()
        }
        stages = network.sharing.experts[expert].stages
        own |= {f"encoder.stages.{k}": v for k, v in stages.state_dict().items()}
        hard.sharing.load_state_dict(own)
        hard.heads.load_state_dict(network.heads.state_dict())
        torch.testing.assert_close(hard([batch])[0][task][-1], found[task][-1])
        assert set(given) > {f"sharing.gates.{task}.weight"}


@pytest.mark.parametrize("gate", ["clip", "frame"])
def test_only_gates_per_frame_are_causal(gate) -> None:
    tasks = by_name(frames("phase"))
    sharing = {"kind": "mmoe", "experts": 2, "gate": gate}
    network = make_network("light-causal", tasks, sharing=sharing).eval()
    assert network.causal == (gate == "frame")
    if gate == "clip":
        with pytest.raises(ValueError, match=r"the encoder or the gate .* 'gate: frame'"):
            network.stream(make_batch(1, 1), {})
        return
    # The gate must matter, and differ from frame to frame, or equality would say nothing.
    batch, gate_ = make_batch(1, 6), network.sharing.gates["phase"]
    with torch.no_grad():
        stem, _ = network.sharing.experts[0].stem(batch.inputs, {}, {})
        gate_.weight.mul_(100.0)
        gate_.bias.copy_(-gate_.weight @ stem.mean((0, 2, 3, 4)))
        shares = network.sharing._gates(stem, None, {"phase": Ask(stages=(4,))})["phase"]
    assert float(shares.std(1).max()) > 0.05
    whole = network([batch])[0]["phase"][-1]
    first, state = network.stream(cut(batch, 0, 2), {})
    second, _ = network.stream(cut(batch, 2, 6), state)
    torch.testing.assert_close(torch.cat((first["phase"][-1], second["phase"][-1]), 1), whole)


def test_as_many_experts_as_tasks_and_one_stem() -> None:
    network = make_network("light", TASKS, sharing={"kind": "mmoe"}, fresh=True)
    experts = network.sharing.experts
    assert len(experts) == 2
    assert len(list(experts[1].stem.parameters())) == 0
    one, other = (expert.stages[0].blocks[0].first[0].weight for expert in experts)
    assert not torch.equal(one, other)
    hard = make_network("light", TASKS, fresh=True)
    assert torch.equal(one, hard.sharing.encoder.stages[0].blocks[0].first[0].weight)


def test_a_gate_learns_from_its_own_task() -> None:
    network = make_network("light", TASKS, sharing={"kind": "mmoe"}).train()
    network([make_batch(3, 2)], [{"a": mask(1, 1, 0)}])[0]["a"][-1].square().sum().backward()
    gates = network.sharing.gates
    assert float(gates["a"].weight.grad.abs().max()) > 0
    assert gates["b"].weight.grad is None
    assert all(p.grad is not None for p in network.sharing.experts.parameters())
