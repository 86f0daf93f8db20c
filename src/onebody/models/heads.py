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


def average_space(x: Feature) -> Feature:
    """Average ``[N, C, T, *space]`` over space: ``[N, C, T]``."""
    return x.flatten(3).mean(-1) if x.dim() > 3 else x
