"""Twins whose total size equals the joint network's: how wide their encoders must be.

A joint network beside twins with its own encoder has only a part of their weights in all. Whether
sharing itself helps, not only the larger sum, is seen beside twins that are smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from onebody.models import build_network, input_shapes
from onebody.studies.arms import Arm, make_arms, with_width
from onebody.tasks import Task
from onebody.training import Recipe, build_sources

LEAST, MOST, STEPS = 0.05, 2.0, 14


def equal_size_widths(recipe: Recipe) -> dict[str, float]:
    """Return the factor on each twin's encoder width that shares the joint network's size out.

    Every twin gets the same number of parameters, as nearly as whole channels allow.

    Args:
        recipe: of the joint network.

    Raises:
        ValueError: if a twin cannot be made that small, its encoder has no width, or there is no
            twin.
    """
    tasks = build_sources(recipe).tasks
    joint, *twins = make_arms(recipe)
    if not twins:
        raise ValueError("A recipe of one task has no twins, so there is no size to share out.")
    goal = _parameters(joint, tasks, 1.0) / len(twins)
    return {arm.name: _solve(partial(_parameters, arm, tasks), goal, arm.name) for arm in twins}


def _solve(parameters: Callable[[float], int], goal: float, name: str) -> float:
    """Find the factor whose network has about ``goal`` parameters, by halving."""
    low, high = LEAST, MOST
    if parameters(low) > goal or parameters(high) < goal:
        raise ValueError(
            f"Twin {name!r} cannot have {goal:.0f} parameters: width x {low} gives "
            f"{parameters(low)}, x {high} gives {parameters(high)}. Compare equal encoders instead."
        )
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if parameters(middle) < goal else (low, middle)
    return round(high, 4)


def _parameters(arm: Arm, tasks: Mapping[str, Task], factor: float) -> int:
    """Count the parameters of a twin at some width."""
    twin = arm.recipe if factor == 1.0 else with_width(arm.recipe, factor)
    inputs = input_shapes(*(twin.input_of(place) for place in range(len(twin.data))))
    own = {name: tasks[name] for name in arm.tasks}
    return sum(p.numel() for p in build_network(twin.network, own, inputs).parameters())
