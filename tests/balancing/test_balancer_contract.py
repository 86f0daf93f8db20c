"""What every balancer must do. A new one is tested by its entry."""

import itertools
import json
from collections.abc import Mapping, Sequence

import pytest
import torch
from torch import Tensor

from onebody.balancing import BALANCERS, Balancer
from onebody.config import build, read_config

VALUES: dict[str, dict[str, object]] = {
    "fixed": {"weights": {"a": 2.0, "b": 0.5}},
    "automatic": {"rate": 0.05},
    "uncertainty": {"rate": 0.05},
    "imtl-l": {"rate": 0.05},
}
"""Options of the balancers that need some, or are tested better with them."""

ALONE = {"fixed": 2.0, "automatic": 0.5, "uncertainty": 0.5}
"""The weight of a single task 'a' at the start, where it is not 1."""

MAY_BE_NEGATIVE = ("aligned-mtl", "imtl-g")

LEARN_FROM_OTHERS = ("famo", "gradnorm", "gradvac")
"""What these keep of a task depends on the tasks that were present with it."""

every = pytest.mark.parametrize("kind", list(BALANCERS))


def make(kind: str) -> Balancer:
    values = {"kind": kind, **VALUES.get(kind, {})}
    config = read_config(BALANCERS[kind].config, values, "test")
    return build(BALANCERS, config, "balancing")


def weigh(balancer: Balancer, losses: Mapping[str, float], names: Sequence[str] = ()) -> Tensor:
    """Weigh one step; the Gramian is that of gradients drawn from the tasks' names."""
    names = list(names) or list(losses)
    values = torch.tensor([losses[name] for name in names], dtype=torch.float64)
    gramian = None
    if balancer.needs_gramian:
        rows = []
        for name in names:
            draw = torch.Generator().manual_seed(sum(map(ord, name)))
            rows.append(torch.randn(8, generator=draw, dtype=torch.float64))
        gramian = torch.stack(rows) @ torch.stack(rows).T
    return balancer.weights(values, gramian, names)


def train(balancer: Balancer, tasks: str = "abc", epochs: int = 3) -> None:
    """Run some epochs of falling losses; 'c' is present in every second step only."""
    for epoch, step in itertools.product(range(epochs), range(4)):
        present = [t for t in tasks if t != "c" or step % 2]
        weigh(balancer, {t: (ord(t) - 95) * 0.7**epoch + 0.1 * step for t in present})
        if step == 3:
            balancer.end_epoch()


@every
def test_weights_are_usable(kind: str) -> None:
    balancer = make(kind)
    train(balancer)
    weights = weigh(balancer, {"a": 1.0, "b": 0.1, "c": 3.0})
    assert weights.shape == (3,)
    assert weights.dtype == torch.float64
    assert not weights.requires_grad
    assert bool(weights.isfinite().all())
    assert kind in MAY_BE_NEGATIVE or bool((weights >= 0).all())


@every
def test_weights_are_like_the_losses(kind: str) -> None:
    losses = torch.tensor([1.0, 2.0], requires_grad=True)
    weights = make(kind).weights(losses.detach(), torch.eye(2), ["a", "b"])
    assert (weights.dtype, weights.device) == (torch.float32, losses.device)


@every
def test_the_summary_says_what_it_works_from(kind: str) -> None:
    ending = "; from gradients" if make(kind).needs_gramian else "; from loss values"
    assert BALANCERS[kind].summary.endswith(ending)


@every
def test_order_of_tasks_does_not_matter(kind: str) -> None:
    one, other = make(kind), make(kind)
    for balancer in (one, other):
        train(balancer)
    losses = {"a": 1.0, "b": 0.1, "c": 3.0}
    forward, backward = weigh(one, losses), weigh(other, losses, ["c", "a", "b"])
    assert torch.allclose(forward[[2, 0, 1]], backward, atol=1e-12)
    assert one.state() == other.state()


@every
def test_an_absent_task_changes_nothing(kind: str) -> None:
    """Steps without 'c' give what they would had it never existed, and leave its state alone."""
    with_c, without = make(kind), make(kind)
    train(with_c, "abc")
    train(without, "ab")
    if kind in LEARN_FROM_OTHERS:  # then at least what is kept of 'c' itself has no influence
        without.load_state(_without_task(with_c.state(), "c"))
    before = json.dumps(with_c.state(), sort_keys=True)
    for _ in range(3):
        losses = {"a": 0.7, "b": 0.2}
        assert torch.equal(weigh(with_c, losses), weigh(without, losses))
    with_c.end_epoch()
    without.end_epoch()
    assert _of_task(with_c.state(), "c") == _of_task(json.loads(before), "c")
    assert _without_task(with_c.state(), "c") == without.state()


def _of_task(state: object, task: str) -> object:
    """Return all that a state says of a task."""
    if not isinstance(state, Mapping):
        return None
    return {
        key: value if key == task else _of_task(value, task)
        for key, value in state.items()
        if key == task or isinstance(value, Mapping)
    }


def _without_task(state: object, task: str) -> object:
    """Return a state without what it says of a task."""
    if not isinstance(state, Mapping):
        return state
    return {key: _without_task(value, task) for key, value in state.items() if key != task}


@every
def test_a_single_task(kind: str) -> None:
    assert weigh(make(kind), {"a": 3.0}).tolist() == pytest.approx([ALONE.get(kind, 1.0)])


@every
def test_zero_loss_for_long_is_no_nan(kind: str) -> None:
    balancer = make(kind)
    for step in range(400):
        weights = weigh(balancer, {"a": 0.0, "b": 1.0})
        assert bool(weights.isfinite().all())
        if step % 50 == 0:
            balancer.end_epoch()


@every
@pytest.mark.parametrize(
    "gramian",
    [
        torch.zeros(3, 3),
        torch.diag(torch.tensor([1.0, 0.0, 4.0])),  # the second task's gradient vanishes
        torch.ones(3, 3),  # identical gradients
        torch.outer(signs := torch.tensor([1.0, -1.0, 1.0]), signs),  # opposed ones
        1e-12 * torch.eye(3),
        torch.diag(torch.tensor([1e-12, 1.0, 1e12])),
    ],
)
def test_degenerate_gradients_are_no_nan(kind: str, gramian: Tensor) -> None:
    balancer = make(kind)
    for _ in range(5):
        weights = balancer.weights(torch.ones(3), gramian, ["a", "b", "c"])
        assert bool(weights.isfinite().all())
        assert float(weights.abs().max()) < 1e7


@pytest.mark.parametrize("kind", [k for k in BALANCERS if make(k).needs_gramian])
def test_a_task_without_a_gradient_is_no_part_of_the_problem(kind: str) -> None:
    one, other = make(kind), make(kind)
    rows = torch.randn(3, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    rows[1] = 0
    losses = torch.ones(3, dtype=torch.float64)
    found = one.weights(losses, rows @ rows.T, ["a", "b", "c"])
    rows = rows[[0, 2]]
    expected = other.weights(losses[:2], rows @ rows.T, ["a", "c"])
    if kind != "gradnorm":  # where it takes part in the mean of the norms, and in the sum
        assert torch.equal(found[[0, 2]], expected)
    assert found[1] == 1.0


@pytest.mark.parametrize("kind", [k for k in BALANCERS if make(k).needs_gramian])
def test_a_gramian_that_makes_no_sense_is_refused(kind: str) -> None:
    losses, names = torch.ones(2), ["a", "b"]
    for gramian in (None, torch.eye(3)):
        with pytest.raises(ValueError, match=r"Expected a Gramian of shape \(2, 2\), found"):
            make(kind).weights(losses, gramian, names)
    gramian = torch.diag(torch.tensor([1.0, torch.inf]))
    with pytest.raises(ValueError, match="gradient of task 'b' has the squared norm inf"):
        make(kind).weights(losses, gramian, names)


@every
def test_a_loss_that_is_no_number_is_refused_by_name(kind: str) -> None:
    for loss in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="loss of task 'b' is"):
            weigh(make(kind), {"a": 1.0, "b": loss})
    with pytest.raises(ValueError, match="one loss per task"):
        make(kind).weights(torch.ones(2), torch.eye(2), ["a"])


@every
def test_state_survives_json(kind: str) -> None:
    balancer, copy = make(kind), make(kind)
    train(balancer)
    weigh(balancer, {"a": 0.4, "c": 0.3})  # in the middle of an epoch
    copy.load_state(json.loads(json.dumps(balancer.state(), allow_nan=False)))
    for _ in range(3):
        losses = {"a": 1.0, "b": 0.1, "c": 3.0}
        assert torch.equal(weigh(balancer, losses), weigh(copy, losses))
        balancer.end_epoch()
        copy.end_epoch()
    assert balancer.state() == copy.state()


@every
def test_a_new_task_may_come_later(kind: str) -> None:
    balancer = make(kind)
    train(balancer, "ab")
    assert bool(weigh(balancer, {"a": 1.0, "new": 2.0}).isfinite().all())
