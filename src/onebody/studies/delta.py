"""What sharing bought: Delta_MTL, and which figure stands for each kind of task.

Source: Maninis, Radosavovic, Kokkinos, "Attentive Single-Tasking of Multiple Tasks", CVPR 2019
(arXiv 1904.08918): the mean over tasks of the relative gain over the single-task network.
"""

from __future__ import annotations

from collections.abc import Mapping

from onebody.metrics import Metric
from onebody.tasks import Task

HEADLINES: dict[str, tuple[str, ...]] = {
    "classification": ("top1", "mean_class"),
    "union": ("top1", "task_accuracy", "top1_given", "top1_gap"),
    "routed": ("top1", "task_accuracy", "top1_given", "top1_gap"),
    "which": ("top1", "mean_class"),
    "tree": ("top1", "mean_class", "class_top1"),
    "consistency": ("contradiction", "both_top1"),
    "pose2d": ("error_crop", "pck_crop"),
    "pose3d": ("mpjpe", "pck3d"),
}
"""Metrics that tables show, by kind of task; the first one enters Delta_MTL. Errors stand for
poses, because the share of joints within a threshold soon saturates."""


def headlines(task: Task) -> tuple[Metric, ...]:
    """Return the metrics that tables show for a task; the first enters Delta_MTL."""
    return tuple(task.metrics[name] for name in HEADLINES.get(task.kind, (task.primary,)))


def relative_gain(joint: float, single: float, *, higher_is_better: bool) -> float:
    """Return by what share of the single network's figure the joint one is better (or worse).

    Raises:
        ValueError: if the single network's figure is 0, which leaves no share to speak of.
    """
    if single == 0:
        raise ValueError("The single-task figure is 0: a relative gain over it has no meaning.")
    gain = (joint - single) / abs(single)
    return gain if higher_is_better else -gain


def delta_mtl(
    joint: Mapping[str, float], single: Mapping[str, float], tasks: Mapping[str, Task]
) -> float:
    """Return the mean over tasks of the relative gain.

    Args:
        joint: the joint network's first headline figure by task.
        single: the twins' figures of the same tasks.
        tasks: by name.

    Returns:
        A share: 0.05 is 5 % better on average.

    Raises:
        ValueError: if the tasks of both differ, or there are none.
    """
    if set(joint) != set(single) or not joint:
        raise ValueError(
            f"Delta_MTL needs the same tasks of both, found {set(joint)}, {set(single)}."
        )
    gains = [
        relative_gain(
            joint[name], single[name], higher_is_better=headlines(tasks[name])[0].higher_is_better
        )
        for name in joint
    ]
    return sum(gains) / len(gains)
