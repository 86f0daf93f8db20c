import math

import pytest
import torch
from torchjd.scalarization import FAMO as Peer

from onebody.balancing.famo import FAMO, FAMOConfig, build_famo

NAMES = ["a", "b", "c"]


def weigh(balancer: FAMO, **losses: float) -> list[float]:
    values = torch.tensor(list(losses.values()), dtype=torch.float64)
    return balancer.weights(values, None, list(losses)).tolist()


def test_is_the_authors_with_the_next_steps_losses_as_the_recomputed_ones() -> None:
    balancer = build_famo(FAMOConfig(rate=0.05, decay=0.01))
    peer = Peer(3, lr=0.05, weight_decay=0.01).double()
    draw = torch.Generator().manual_seed(0)
    for step in range(40):
        fall = torch.tensor([0.99, 0.97, 1.0], dtype=torch.float64) ** step
        losses = (torch.rand(3, generator=draw, dtype=torch.float64) + 0.5) * fall
        if step:
            peer.update(losses)
        losses.requires_grad_()
        peer(losses).backward()
        found = balancer.weights(losses.detach(), None, NAMES)
        torch.testing.assert_close(found, losses.grad, rtol=1e-6, atol=1e-8)
        assert found.sum().item() == pytest.approx(1.0)


def test_what_falls_faster_weighs_less() -> None:
    balancer = FAMO()
    for step in range(50):
        weights = weigh(balancer, a=math.exp(-0.1 * step), b=1.0)
        relative = [weights[0] * math.exp(-0.1 * step), weights[1]]  # the shares z
    assert relative[0] < 0.6 * relative[1]


def test_only_tasks_of_both_steps_are_compared() -> None:
    balancer = FAMO()
    weigh(balancer, a=1.0, b=1.0, c=1.0)
    weigh(balancer, a=0.5, b=1.0)
    kept = balancer.state()["tasks"]
    assert kept["a"]["logit"]["value"] < 0 < kept["b"]["logit"]["value"]
    assert (kept["c"]["logit"]["steps"], kept["c"]["logit"]["value"]) == (0, 0.0)
    weigh(balancer, c=0.1)  # its last loss was two steps ago: nothing is learned from that
    assert balancer.state()["tasks"]["c"]["logit"]["steps"] == 0
    assert balancer.state()["tasks"]["a"] == kept["a"]


def test_a_loss_of_zero_counts_as_the_smallest() -> None:
    assert weigh(FAMO(smallest=0.5), a=0.0, b=1.0) == pytest.approx([2 / 3, 1 / 3])


def test_a_negative_loss_is_refused() -> None:
    with pytest.raises(ValueError, match=r"loss of task 'b' is -0\.5, expected 0 or more"):
        weigh(FAMO(), a=1.0, b=-0.5)
