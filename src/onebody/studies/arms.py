"""The arms of a comparison: the joint network and its single-task twins, run by run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onebody.balancing import BALANCERS
from onebody.balancing.fixed import AverageConfig
from onebody.config import Config, build, nearest, read_config
from onebody.training import Recipe

JOINT = "joint"
"""Name of the arm that learns every task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One of the networks that are compared.

    Attributes:
        name: ``joint``, or the twin's name.
        tasks: the tasks it learns, composite ones included.
        recipe: how it is trained, but for seed and fold.
    """

    name: str
    tasks: tuple[str, ...]
    recipe: Recipe


def plain_tasks(recipe: Recipe) -> tuple[str, ...]:
    """Return the tasks that have a head of their own."""
    return tuple(name for name, task in recipe.tasks.items() if not getattr(task, "of", ()))


def twin_groups(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """Return the twins: as the recipe states them, else one for each of several plain tasks.

    Raises:
        ValueError: if a stated twin names a task that there is not, or is called ``joint``.
    """
    plain = plain_tasks(recipe)
    groups = dict(recipe.twins)
    if not groups and len(plain) > 1:
        groups = {name: (name,) for name in plain}
    for name, tasks in groups.items():
        if name == JOINT:
            raise ValueError(f"'twins': {JOINT!r} is the network of all tasks; rename the twin.")
        for task in tasks:
            if task not in plain:
                raise ValueError(f"'twins.{name}' names the task {task!r}. {nearest(task, plain)}")
    return groups


def make_arms(recipe: Recipe, widths: Mapping[str, float] | None = None) -> tuple[Arm, ...]:
    """Make the joint arm and its twins.

    Args:
        recipe: of the joint network.
        widths: by twin, factor on its encoder's width (twins of equal total size); None: the
            same encoder.
    """
    arms = [Arm(name=JOINT, tasks=tuple(recipe.tasks), recipe=recipe)]
    for name, tasks in twin_groups(recipe).items():
        twin = recipe.only(tasks)
        if widths is not None:
            twin = with_width(twin, widths[name])
        arms.append(Arm(name=name, tasks=tuple(twin.tasks), recipe=twin))
    return tuple(arms)


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """Return a recipe with another seed of weights, order and augmentation."""
    return _changed(recipe, train=recipe.train.model_copy(update={"seed": seed}))


def with_fold(recipe: Recipe, column: str, value: str) -> Recipe:
    """Return a recipe whose test rows are those with one value in a column."""
    return _changed(recipe, split=recipe.split.model_copy(update={"test": {column: (value,)}}))


def with_network(recipe: Recipe, **parts: Any) -> Recipe:
    """Return a recipe whose network differs in some keys (``sharing``, ``encoder``).

    Args:
        recipe: with a network that has these keys.
        **parts: plain values or configs. A mapping without ``kind`` changes single keys of the
            part that is there.

    Raises:
        ValueError: if the network has no such key, or a value is not possible.
    """
    values = recipe.network.model_dump()
    for key, part in parts.items():
        if key not in values:
            raise ValueError(f"network {values['kind']!r} has no {key!r} to vary.")
        if isinstance(part, Mapping) and "kind" not in part:
            part = {**values[key], **part}
        values[key] = part
    network = read_config(type(recipe.network), values, "network")
    return _changed(recipe, network=network)


def with_balancer(recipe: Recipe, balancer: Config) -> Recipe:
    """Return a recipe whose losses are weighed by another method.

    A method that works from loss values leaves ``gradient`` unread, which would be refused.
    """
    method = build(BALANCERS, balancer, "balancer", tasks=tuple(recipe.tasks))
    gradient = recipe.gradient if method.needs_gramian else None
    return _changed(recipe, balancer=balancer, gradient=gradient)


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """Return a recipe of so many optimizer steps, however many epochs that makes."""
    schedule = recipe.schedule.model_copy(update={"epochs": None, "steps": steps})
    return _changed(recipe, schedule=schedule)


def single_task(recipe: Recipe, tasks: tuple[str, ...]) -> Recipe:
    """Return the twin of a joint recipe: one encoder, its own tasks, losses averaged."""
    alone = with_balancer(with_network(recipe, sharing="hard"), AverageConfig())
    return alone.only(tasks)


def with_width(recipe: Recipe, factor: float) -> Recipe:
    """Return a recipe whose encoder is ``factor`` times as wide.

    Raises:
        ValueError: if its encoder has no width to change.
    """
    network = recipe.network
    encoder: Config | None = getattr(network, "encoder", None)
    if encoder is None or not isinstance(getattr(encoder, "width", None), float):
        kind = getattr(encoder, "kind", getattr(network, "kind", "?"))
        raise ValueError(
            f"Twins of equal total size need an encoder with a 'width'; {kind!r} has none."
        )
    wider = encoder.model_copy(update={"width": round(encoder.width * factor, 4)})  # type: ignore[attr-defined]
    return _changed(recipe, network=network.model_copy(update={"encoder": wider}))


def _changed(recipe: Recipe, **parts: Config | None) -> Recipe:
    """Return a recipe with some parts replaced, checked anew."""
    return Recipe.model_validate({**dict(recipe), **parts})
