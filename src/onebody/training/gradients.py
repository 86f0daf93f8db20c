"""What gradient-based balancers work from: inner products of the tasks' gradients.

The *source* says what the gradients are taken by; the *period* how often. Both are apart from the
method. With six tasks on one encoder, the shared layer and the representation add some percent to a
step, and all parameters make it five times as long (``benchmarks/step_cost.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from onebody.balancing import Balancer
from onebody.config import Config
from onebody.data import Source
from onebody.models import Network
from onebody.training.distributed import World, summed
from onebody.training.together import check_together

Gradient = Tensor | None
"""A gradient; None where a loss does not reach."""


class GradientConfig(Config):
    """What the gradients are of that a balancer compares.

    Attributes:
        source: ``shared``: of the last layer that all present tasks' losses reach;
            ``representation``: of the deepest Feature that all outputs are made from (only where
            tasks are labeled on the same rows: others' inner products are exactly 0);
            ``all``: of all parameters that two present tasks' losses reach.
        every: steps from one taking of gradients to the next. In between, the last inner products
            taken serve, if they were of all tasks that are present; else they are taken anew.
    """

    source: Literal["shared", "representation", "all"] = "shared"
    every: int = Field(default=1, ge=1)


class Gradients:
    """Takes gradients of the tasks' losses, and keeps their inner products for a while.

    What is kept are whole matrices, each of one step: the part of one that belongs to some of its
    tasks is again a matrix of inner products; one pieced together from several steps need not be.

    Args:
        config: source and period.
        network: whose gradients.
        world: which processes train it.
    """

    def __init__(self, config: GradientConfig, network: Network, world: World) -> None:
        self._config, self._network, self._world = config, network, world
        self._features: list[Tensor] = []
        self._kept: list[tuple[int, tuple[str, ...], Tensor]] = []
        self._reached: set[str] = set()

    @contextmanager
    def watching(self, tasks: Sequence[str]) -> Iterator[None]:
        """Keep hold, during a forward, of the Features that the gradients will be of.

        Args:
            tasks: the tasks with a label in this step.
        """
        self._features = []
        if self._config.source != "representation":
            yield
            return
        stage = self._network.representation(tasks)
        handle = stage.register_forward_hook(lambda _, __, out: self._features.append(out[0]))
        try:
            yield
        finally:
            handle.remove()

    def gramian(
        self, terms: Mapping[str, Tensor], losses: Tensor, step: int
    ) -> tuple[Tensor, dict[str, float]]:
        """Return inner products of the tasks' gradients.

        Args:
            terms: this process's part of each present task's loss.
            losses: ``[K]`` the same over all processes.
            step: number of the step.

        Returns:
            ``[K, K]``, and the cosine of each pair as ``a-b`` if gradients were taken in this step.

        Raises:
            ValueError: if a task is met first with a gradient of 0 though its loss is not 0, or if
                there is nothing that the tasks share.
        """
        names = tuple(terms)
        features, self._features = self._features, []  # a step's activations end with it
        self._kept = [entry for entry in self._kept if step - entry[0] < self._config.every]
        for _, known, matrix in reversed(self._kept):
            if set(names) <= set(known):
                places = [known.index(name) for name in names]
                return matrix[places][:, places], {}
        matrix = self._take(terms, features)
        sizes = matrix.diagonal().tolist()
        self._check_reach(names, sizes, losses.tolist())
        if self._config.every > 1:
            self._kept.append((step, names, matrix))
        return matrix, cosines(names, matrix.tolist())

    def _take(self, terms: Mapping[str, Tensor], features: Sequence[Tensor]) -> Tensor:
        """Take gradients of every loss and multiply them."""
        if self._config.source == "representation":
            _check_features(features)
            # Each process has rows of its own: their products add up, not their gradients.
            rows = _rows([_gradients(term, features) for term in terms.values()], features)
            return summed(rows @ rows.T, self._world)
        if self._config.source == "shared":
            parameters = self._network.shared(tuple(terms))
            found = [_gradients(term, parameters) for term in terms.values()]
        else:
            parameters = [p for p in self._network.parameters() if p.requires_grad]
            found = [_gradients(term, parameters) for term in terms.values()]
            common = self._common(found, tuple(terms))
            parameters = [parameters[place] for place in common]
            found = [[gradients[place] for place in common] for gradients in found]
        # Gradients add up over the processes, and then are multiplied: the mean of the processes'
        # own products would be another matrix.
        rows = summed(_rows(found, parameters), self._world)
        return rows @ rows.T

    def _common(self, found: Sequence[Sequence[Gradient]], names: Sequence[str]) -> list[int]:
        """Return which parameters two tasks reach (a task that is alone: it), on any process."""
        reached = [[gradient is not None for gradient in gradients] for gradients in found]
        device = next(iter(self._network.parameters())).device
        tasks = summed(torch.tensor(reached, dtype=torch.float32, device=device), self._world)
        common = ((tasks > 0).sum(0) >= min(2, len(names))).nonzero().flatten().tolist()
        if not common:
            raise ValueError(
                f"Tasks {', '.join(names)} share no trainable parameters. Take a balancer that "
                "works from loss values."
            )
        return [int(place) for place in common]

    def _check_reach(
        self, names: Sequence[str], sizes: Sequence[float], losses: Sequence[float]
    ) -> None:
        """Refuse a task whose first gradient is 0, unless its loss is: there is no more to learn.

        Later on, a gradient may vanish: such a task is no part of the balancer's problem.
        """
        for name, size, loss in zip(names, sizes, losses, strict=True):
            if size != 0:
                self._reached.add(name)
            elif loss != 0 and name not in self._reached:
                source = self._config.source
                other = "" if source == "all" else "gradient.source=all, or "
                raise ValueError(
                    f"Task {name!r} has a loss of {loss:.4g}, but its gradient is 0 at "
                    f"gradient.source={source!r}: the loss does not depend on that part of the "
                    "network, or the task's head begins with weights of 0. "
                    f"Take {other}a balancer that works from loss values."
                )

    def state(self) -> dict[str, Any]:
        """Return the matrices that still serve, and which tasks' gradients were seen."""
        kept = [
            {"step": step, "names": list(names), "matrix": matrix.tolist()}
            for step, names, matrix in self._kept
        ]
        return {"kept": kept, "reached": sorted(self._reached)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        device = next(iter(self._network.parameters())).device
        self._kept = [
            (entry["step"], tuple(entry["names"]), torch.tensor(entry["matrix"], device=device))
            for entry in state["kept"]
        ]
        self._reached = set(state["reached"])


def build_gradients(
    config: GradientConfig | None,
    balancer: Balancer,
    network: Network,
    *,
    sources: Sequence[Source],
    tasks: Sequence[str],
    world: World,
) -> Gradients | None:
    """Build what a balancer works from besides the losses.

    Args:
        config: the recipe's ``gradient``.
        balancer: whom it serves.
        network: whose gradients.
        sources: of the training.
        tasks: the tasks that have a loss.
        world: which processes train it.

    Returns:
        None for a balancer that works from loss values.

    Raises:
        ValueError: if this balancer, network and rows do not allow for what the config says.
    """
    if not balancer.needs_gramian:
        if config is None:
            return None
        raise ValueError(
            "'gradient' is given, but the recipe's balancer works from loss values and takes no "
            "gradients. Leave 'gradient' out, or choose a balancer that works from gradients "
            "(onebody list balancing)."
        )
    config = config or GradientConfig()
    if config.source == "representation":
        network.representation(tasks)  # refuses a network that has none
        check_together(sources, tasks)
    return Gradients(config, network, world)


def cosines(names: Sequence[str], gramian: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return the cosine of each pair of gradients as ``a-b``; none for a gradient of 0."""
    found: dict[str, float] = {}
    for i, name in enumerate(names):
        for j in range(i + 1, len(names)):
            size = math.sqrt(gramian[i][i]) * math.sqrt(gramian[j][j])
            if size > 0:
                found[f"{name}-{names[j]}"] = gramian[i][j] / size
    return found


def _check_features(features: Sequence[Tensor]) -> None:
    """Refuse Features that need no gradient."""
    if any(not feature.requires_grad for feature in features):
        raise ValueError(
            "gradient.source 'representation': what makes the Features is frozen, so that no "
            "gradient reaches them. Take a balancer that works from loss values."
        )


def _gradients(
    term: Tensor, inputs: Sequence[Tensor] | Sequence[nn.Parameter]
) -> Sequence[Gradient]:
    """Return the gradients of one loss, and leave the graph for the backward."""
    if not term.requires_grad:
        return [None] * len(inputs)
    return torch.autograd.grad(term, list(inputs), retain_graph=True, allow_unused=True)


def _rows(found: Sequence[Sequence[Gradient]], inputs: Sequence[Tensor]) -> Tensor:
    """Return ``[K, P]``: the gradients of each task as one row, 0 where a loss does not reach."""
    rows = [
        [
            (torch.zeros_like(x) if g is None else g).flatten()
            for x, g in zip(inputs, gradients, strict=True)
        ]
        for gradients in found
    ]
    return torch.stack([torch.cat(parts).float() for parts in rows])
