"""What heads have in common: which stage they read, and which form they give."""

from __future__ import annotations

from collections.abc import Sequence

from onebody.models.base import StageInfo
from onebody.tasks import Task
from onebody.types import Feature, Form


def check_form(task: Task, form: Form, kind: str) -> None:
    """Refuse a head for a task that asks for another form.

    Raises:
        ValueError: says what the head gives and what the task asks for.
    """
    if task.form != form:
        raise ValueError(
            f"Head {kind!r} gives {form!r}, but task {task.name!r} asks for {task.form!r}. "
            "Leave the head out to get the one that fits."
        )


def find_stage(stage: int, info: Sequence[StageInfo], task: str) -> int:
    """Return a stage's number from 0; negative numbers count from the last.

    Raises:
        ValueError: if there is no such stage.
    """
    if not -len(info) <= stage < len(info):
        raise ValueError(
            f"The head of task {task!r} reads stage {stage}, but the encoder has stages 0 to "
            f"{len(info) - 1} (or -1 for the last)."
        )
    return stage % len(info)


def map_stages(
    stages: Sequence[int] | None,
    info: Sequence[StageInfo],
    task: str,
    *,
    kind: str,
    hidden: int,
) -> list[int]:
    """Return the numbers of the stages whose maps a head reads.

    Args:
        stages: as its config names them; None: the deepest map of at most 1/8 of the input, else
            the finest.
        info: the stages.
        task: the head's task.
        kind: of the head.
        hidden: channels in which it joins several maps; 0: it cannot.

    Raises:
        ValueError: if a stage has no map, or stages cannot be joined.
    """
    if stages is None:
        return [_default_map(info, task, kind)]
    numbers = [find_stage(stage, info, task) for stage in stages]
    read = [info[number] for number in numbers]
    for stage, found in zip(numbers, read, strict=True):
        if found.space != "map":
            raise ValueError(
                f"The {kind} head of task {task!r} needs a stage with a map [H, W], but stage "
                f"{stage} gives {found.space!r}. Stages with a map: {_maps(info) or 'none'}."
            )
    if len(numbers) > 1 and not hidden:
        raise ValueError(
            f"The {kind} head of task {task!r} reads stages {numbers}: to join them it needs "
            "'hidden' channels. Set hidden, or name one stage."
        )
    if len({found.stride_t for found in read}) > 1:
        raise ValueError(
            f"The {kind} head of task {task!r} reads stages {numbers}, whose frames differ "
            f"(strides over time: {[found.stride_t for found in read]}). Name stages of one stride."
        )
    return numbers


def _maps(info: Sequence[StageInfo]) -> list[int]:
    """Return the numbers of the stages that have a map."""
    return [number for number, stage in enumerate(info) if stage.space == "map"]


def _default_map(info: Sequence[StageInfo], task: str, kind: str) -> int:
    """Return the deepest map stage of at most 1/8 of the input, else the finest."""
    maps = _maps(info)
    if not maps:
        raise ValueError(
            f"The {kind} head of task {task!r} needs a stage with a map [H, W], but the encoder's "
            f"stages give {', '.join(stage.space for stage in info)}."
        )
    fine = [number for number in maps if info[number].stride_s <= 8]
    return max(fine) if fine else min(maps, key=lambda number: info[number].stride_s)


def average_space(x: Feature) -> Feature:
    """Average ``[N, C, T, *space]`` over space: ``[N, C, T]``."""
    return x.flatten(3).mean(-1) if x.dim() > 3 else x
