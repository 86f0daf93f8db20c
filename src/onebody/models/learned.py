"""`learned`: a pool of modules at every stage; which task takes which is learned by evolution.

At each stage lie K copies of it. Per stage and task there is a distribution over them, equal at the
start. A training step first moves the distributions by a step of natural evolution: routes are
drawn, the step's loss is taken for each of them, and choices of little loss become likelier. Then
weights learn: the step runs as often, each time with fresh routes, and the gradients are scaled by
how many tasks a module is expected to serve. Otherwise every task takes its likeliest modules, so
that each has a network of its own, which shares what turned out to be worth sharing.

A step of S routes costs S evaluations and S times forward and backward. A row runs through its
own tasks' modules only, and tasks that have come the same way so far run together.

Source: Prellberg and Kramer, IJCNN 2020 (https://arxiv.org/abs/2003.10159). Ours: the pools are
stages of any encoder; both halves of a step use the same rows; every Batch of every run draws its
own routes; batch norms see the rows of tasks that share their way together; the loss that routes
are judged by is the sum of the tasks' means; tasks without labels in a step keep their
distributions; the default is two routes (there: eight) of as many modules as there are tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.asked import (
    common_depth,
    last_layers,
    pick_rows,
    run_depth,
    take_rows,
    trainable_or_refuse,
    union_rows,
)
from onebody.models.base import Ask, Encoder, Features, Sharing, prefixed, scoped
from onebody.models.copies import Copies, make_copies
from onebody.models.evolution import draw, evolve
from onebody.types import Feature, State

Routes: TypeAlias = tuple[tuple[int, ...], ...]
"""Per stage the module that each task takes."""


class LearnedConfig(Config):
    """Options of learned weight sharing.

    Attributes:
        modules: K, copies of every stage; null: as many as there are tasks.
        routings: routes drawn for either half of a step.
        rate: length of the evolution's steps.
        smallest: least probability of a module, so that none is given up for good.
    """

    kind: Literal["learned"] = "learned"
    modules: PositiveInt | None = None
    routings: int = Field(2, ge=2)
    rate: float = Field(0.01, gt=0)
    smallest: float = Field(0.001, gt=0, lt=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """Tasks that have come the same way so far.

    Attributes:
        tasks: their names.
        modules: what they took at the stages before.
        x: their Feature.
        rows: ``[B]`` bool, which rows it holds; None: all.
    """

    tasks: tuple[str, ...]
    modules: tuple[int, ...]
    x: Feature
    rows: Tensor | None


class LearnedSharing(Sharing):
    """Routes tasks through pools of stages.

    Attributes:
        table: ``[stages, tasks, modules]`` probabilities.
        frozen: routes that no longer change; None: not frozen.
    """

    table: Tensor

    def __init__(
        self,
        copies: Copies,
        tasks: Sequence[str],
        *,
        routings: int,
        rate: float,
        smallest: float,
    ) -> None:
        super().__init__()
        self.copies = copies
        self.info = self.copies.encoder(0).info
        self.causal = self.copies.encoder(0).causal
        self.tasks = tuple(tasks)
        shape = (len(self.info), len(self.tasks), len(copies))
        self.register_buffer("table", torch.full(shape, 1.0 / len(copies)))
        self.frozen: Routes | None = None
        self.routings, self.rate, self.smallest = routings, rate, smallest
        self._tried: Routes | None = None
        self._present = self.tasks
        self._reached = [[True] * len(self.tasks) for _ in self.info]  # stage, task

    @property
    def passes(self) -> int:  # type: ignore[override]
        """Runs of a training step; one where there is nothing to draw."""
        return self.routings if self._evolves() else 1

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        asks: Mapping[str, Ask],
        state: State,
    ) -> tuple[Features, State]:
        """Return each task's Features; see `Sharing`."""
        routes = self.routes()
        rows, inputs, valid = take_rows(inputs, valid, asks, state)
        features: Features = {task: {} for task in asks}
        x, kept = self.copies.encoder(0).stem(inputs, valid, scoped(state, "stem"))
        left = prefixed(kept, "stem")
        ways = [_Way(tasks=tuple(asks), modules=(), x=x, rows=rows)]
        for number in range(run_depth(asks)):
            ways = [part for way in ways for part in self._divide(way, number, routes, asks)]
            for place, way in enumerate(ways):
                # A module that tasks reach by different ways sees different streams.
                name = f"ways.{'-'.join(map(str, way.modules))}"
                stage = self.copies.encoder(way.modules[-1]).stages[number]
                x, kept = stage(way.x, scoped(state, name))
                left |= prefixed(kept, name)
                ways[place] = _Way(tasks=way.tasks, modules=way.modules, x=x, rows=way.rows)
                for task in way.tasks:
                    if number in asks[task].stages:
                        features[task][number] = pick_rows(x, way.rows, asks[task].rows)
        return features, left

    def routes(self) -> Routes:
        """Return the routes to take: frozen, tried, freshly drawn in training, or the likeliest.

        Of equally likely modules a task takes the one of its own number, so that a network that
        has learned nothing keeps its tasks apart.
        """
        known = self.frozen or self._tried
        if known is not None:
            return known
        if self.training:
            return _as_routes(draw(self.table))
        own = torch.arange(len(self.tasks), device=self.table.device).unsqueeze(1)
        order = (own + torch.arange(len(self.copies), device=own.device)) % len(self.copies)
        ordered = self.table.gather(2, order.expand_as(self.table))  # own module first
        return _as_routes((ordered.argmax(2) + own.squeeze(1)) % len(self.copies))

    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the deepest parameters on the common part of the tasks' ways.

        That is the stem as long as routes are drawn anew for every run.
        """
        routes = () if self.training and self._evolves() else self.routes()
        levels: list[list[nn.Module]] = [[self.copies.encoder(0).stem]]
        for number, choices in enumerate(routes[: common_depth(asks) + 1]):
            taken = {choices[self.tasks.index(task)] for task in asks}
            if len(taken) > 1:
                break
            levels.append([self.copies.encoder(taken.pop()).stages[number]])
        return trainable_or_refuse(last_layers(reversed(levels)), asks)

    def trim(self, stages: Mapping[str, Sequence[int]]) -> None:
        """Take note of which stages each task passes; the copies stay whole."""
        depths = [max(stages[task]) for task in self.tasks]
        self._reached = [[number <= depth for depth in depths] for number in range(len(self.info))]

    def before_step(self, score: Callable[[], Tensor], tasks: Sequence[str]) -> None:
        """Let the distributions of the present tasks evolve by one step, as deep as they go."""
        self._present = tuple(tasks)
        if not self._evolves():
            return
        drawn = torch.stack([draw(self.table) for _ in range(self.routings)])
        losses = []
        try:
            for choices in drawn:
                self._tried = _as_routes(choices)
                losses.append(score())
        finally:
            self._tried = None
        moved = evolve(
            self.table, drawn, torch.stack(losses), rate=self.rate, smallest=self.smallest
        )
        chosen = self._taking_part().unsqueeze(2)  # [stages, tasks, 1]
        self.table.copy_(torch.where(chosen, moved, self.table))

    def after_backward(self) -> None:
        """Divide gradients by how many of the present tasks a part is expected to serve."""
        if self.frozen is not None:
            return
        served = (self.table * self._taking_part().unsqueeze(2)).sum(1)  # [stages, modules]
        _divide_gradients(self.copies.encoder(0).stem, float(len(self._present)))
        for stage, counts in enumerate(served.tolist()):
            for module, count in enumerate(counts):
                _divide_gradients(self.copies.encoder(module).stages[stage], count)

    def _taking_part(self) -> Tensor:
        """Return ``[stages, tasks]`` bool: which present tasks pass a stage."""
        present = torch.tensor([task in self._present for task in self.tasks])
        return (torch.tensor(self._reached) & present).to(self.table.device)

    def freeze(self) -> None:
        """Keep the likeliest routes from now on; nothing is drawn, scaled or learned any more."""
        mode = self.training
        self.training = False
        self.frozen = self.routes()
        self.training = mode

    def _divide(
        self, way: _Way, number: int, routes: Routes, asks: Mapping[str, Ask]
    ) -> Iterable[_Way]:
        """Part the tasks of a way by the module they take at a stage; leave those that are done."""
        parts: dict[int, list[str]] = {}
        for task in way.tasks:
            if max(asks[task].stages) >= number:
                parts.setdefault(routes[number][self.tasks.index(task)], []).append(task)
        for module, tasks in parts.items():
            rows = union_rows([asks[task] for task in tasks])
            x = pick_rows(way.x, way.rows, rows)
            yield _Way(tasks=tuple(tasks), modules=(*way.modules, module), x=x, rows=rows)

    def _evolves(self) -> bool:
        """Whether there is anything to learn about routes."""
        return self.frozen is None and len(self.copies) > 1


def build_learned(
    config: LearnedConfig, *, make_encoder: Callable[[], Encoder], tasks: Sequence[str]
) -> LearnedSharing:
    """Build the pools; all tasks share the stem."""
    return LearnedSharing(
        make_copies(make_encoder, config.modules or len(tasks)),
        tasks,
        routings=config.routings,
        rate=config.rate,
        smallest=config.smallest,
    )


def _as_routes(choices: Tensor) -> Routes:
    """Turn ``[stages, tasks]`` choices into plain integers."""
    return tuple(tuple(row) for row in choices.tolist())


def _divide_gradients(part: nn.Module, count: float) -> None:
    """Divide the gradients that a part has."""
    for parameter in part.parameters():
        if parameter.grad is not None:
            parameter.grad /= count
