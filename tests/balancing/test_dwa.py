import pytest
import torch

from onebody.balancing.dwa import DWA, DWAConfig, build_dwa


def _epoch(balancer: DWA, **losses: list[float]) -> None:
    """Run one step per entry; a task with fewer entries is absent from the later steps."""
    for step in range(max(map(len, losses.values()))):
        names = [name for name, values in losses.items() if step < len(values)]
        values = torch.tensor([losses[name][step] for name in names])
        balancer.weights(values, None, names)
    balancer.end_epoch()


def _weights(balancer: DWA, *names: str) -> list[float]:
    return balancer.weights(torch.ones(len(names), dtype=torch.float64), None, names).tolist()


def _expected(ratios: list[float], temperature: float = 2.0) -> list[float]:
    powers = (torch.tensor(ratios, dtype=torch.float64) / temperature).exp()
    return (len(ratios) * powers / powers.sum()).tolist()


def test_weights_are_one_for_two_epochs() -> None:
    balancer = build_dwa(DWAConfig())
    assert _weights(balancer, "a", "b") == [1.0, 1.0]
    balancer = build_dwa(DWAConfig())
    _epoch(balancer, a=[4.0, 2.0], b=[1.0, 1.0])
    assert _weights(balancer, "a", "b") == [1.0, 1.0]


def test_the_papers_formula() -> None:
    balancer = DWA(temperature=3.0)
    _epoch(balancer, a=[4.0, 2.0], b=[1.0, 3.0])
    _epoch(balancer, a=[1.0, 0.5], b=[2.0, 1.0])
    assert _weights(balancer, "a", "b") == pytest.approx(_expected([0.75 / 3.0, 1.5 / 2.0], 3.0))
    assert sum(_weights(balancer, "a", "b")) == pytest.approx(2.0)


def test_means_are_over_the_steps_that_hold_the_task() -> None:
    balancer = DWA()
    _epoch(balancer, a=[1.0, 1.0, 1.0, 1.0], b=[3.0])
    _epoch(balancer, a=[1.0, 1.0, 1.0, 1.0], b=[1.0, 2.0])
    assert _weights(balancer, "a", "b") == pytest.approx(_expected([1.0, 0.5]))


def test_an_epoch_without_a_task_keeps_its_ratio() -> None:
    balancer = DWA()
    _epoch(balancer, a=[1.0], b=[2.0])
    _epoch(balancer, a=[1.0], b=[1.0])
    _epoch(balancer, a=[0.5])
    assert _weights(balancer, "a", "b") == pytest.approx(_expected([0.5, 0.5]))
    balancer = DWA()
    _epoch(balancer, a=[1.0], b=[2.0])
    _epoch(balancer, a=[1.0])
    _epoch(balancer, a=[1.0], b=[1.0])  # compared with the last epoch that held it
    assert _weights(balancer, "a", "b") == pytest.approx(_expected([1.0, 0.5]))


def test_after_a_zero_loss_the_ratio_stays() -> None:
    balancer = DWA()
    _epoch(balancer, a=[1.0], b=[1.0])
    _epoch(balancer, a=[1.0], b=[0.0])
    assert _weights(balancer, "a", "b") == pytest.approx(_expected([1.0, 0.0]))
    _epoch(balancer, a=[1.0], b=[1.0])
    assert _weights(balancer, "a", "b") == pytest.approx(_expected([1.0, 0.0]))
