"""The weights, multiplied by an explicit Jacobian, are what TorchJD makes of that Jacobian."""

import ast
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchjd.aggregation import IMTLG, MGDA, AlignedMTL, PCGrad, UPGrad

import onebody
from onebody.balancing import BALANCERS, Balancer
from onebody.config import build, read_config

PEERS = {
    "mgda": MGDA(),
    "upgrad": UPGrad(),
    "aligned-mtl": AlignedMTL(),
    "imtl-g": IMTLG(),
    "pcgrad": PCGrad(),
}
NAMES = ["b", "a", "d", "c"]


def make(kind: str, **values: object) -> Balancer:
    config = read_config(BALANCERS[kind].config, {"kind": kind, **values}, "test")
    return build(BALANCERS, config, "balancing")


def jacobian(tasks: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randn(tasks, 10, generator=draw, dtype=torch.float64)
    scales = torch.tensor([1.0, 0.2, 3.0, 0.7], dtype=torch.float64)[:tasks, None]
    return scales * (rows + 0.3)


def in_conflict(tasks: int, seed: int) -> Tensor:
    rows = jacobian(tasks, seed)
    return rows - 0.9 * rows.mean(0)


def weigh(balancer: Balancer, rows: Tensor) -> Tensor:
    losses = torch.ones(len(rows), dtype=torch.float64)
    return balancer.weights(losses, rows @ rows.T, NAMES[: len(rows)])


@pytest.mark.parametrize("kind", [kind for kind in PEERS if kind != "pcgrad"])
@pytest.mark.parametrize("tasks", [2, 3, 4])
@pytest.mark.parametrize("scale", [1.0, 1e-5])
def test_is_what_torchjd_makes_of_the_jacobian(kind: str, tasks: int, scale: float) -> None:
    for seed in range(4):
        rows = jacobian(tasks, seed)
        found = weigh(make(kind), scale * rows) @ rows
        torch.testing.assert_close(found, PEERS[kind](rows), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("tasks", [2, 4])
def test_gradient_surgery_in_the_same_order(monkeypatch, tasks: int) -> None:
    monkeypatch.setattr(torch, "randperm", torch.arange)
    order = sorted(range(tasks), key=NAMES.__getitem__)
    for seed in range(6):
        rows = in_conflict(tasks, seed)
        weights = weigh(make("pcgrad"), rows)
        torch.testing.assert_close(weights @ rows, PEERS["pcgrad"](rows[order]))
        assert bool((weights > 1.01).any())


def test_gradient_surgery_of_two_tasks_by_hand() -> None:
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    # g1 + (1 / 2) g2 and g2 + 1 g1: each without what points against the other.
    assert weigh(make("pcgrad"), rows).tolist() == pytest.approx([2.0, 1.5])


def test_two_tasks_shortest_mix_by_hand() -> None:
    rows = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert weigh(make("mgda"), rows).tolist() == pytest.approx([0.2, 0.8])


def test_surgery_draws_alike_everywhere_and_leaves_torchs_draws_alone() -> None:
    rows = in_conflict(4, 1)
    found = []
    for start in (0, 1):
        torch.manual_seed(start)
        before = torch.get_rng_state()
        balancer = make("pcgrad")
        found.append(torch.stack([weigh(balancer, rows) for _ in range(8)]))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*found)
    assert len(found[0].unique(dim=0)) > 1  # the order does matter, and changes
    other = make("pcgrad", seed=1)
    assert not torch.equal(torch.stack([weigh(other, rows) for _ in range(8)]), found[0])


@pytest.mark.parametrize("scale", ["min", "median", "rmse"])
def test_aligned_scale(scale) -> None:
    rows = jacobian(3, 0)
    found = weigh(make("aligned-mtl", scale=scale), rows) @ rows
    torch.testing.assert_close(found, AlignedMTL(scale_mode=scale)(rows))


def test_one_file_knows_torchjd_and_imports_it_when_it_is_needed() -> None:
    found = {}
    for path in Path(onebody.__file__).parent.rglob("*.py"):
        for node in ast.walk(tree := ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "torchjd" for name in names):
                found.setdefault(path.name, []).append(node in tree.body)
    assert found == {"torchjd_weightings.py": [False] * 5}  # within functions
