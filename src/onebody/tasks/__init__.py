"""Tasks: label space to loss, decoding, metrics."""

from collections.abc import Mapping

from onebody.config import Config, Factory, build
from onebody.tasks.base import Task, taught
from onebody.tasks.box import BoxConfig, BoxTask, build_box
from onebody.tasks.classes import ClassTask
from onebody.tasks.classification import (
    ClassificationConfig,
    ClassificationTask,
    build_classification,
)
from onebody.tasks.consistency import ConsistencyConfig, ConsistencyTask, build_consistency
from onebody.tasks.joint import NONE_OF_THESE, JointTask, speakers
from onebody.tasks.pose import PoseConfig, PoseTask
from onebody.tasks.pose2d import Pose2DConfig, Pose2DTask, build_pose2d
from onebody.tasks.pose3d import Pose3DConfig, Pose3DTask, build_pose3d
from onebody.tasks.resolve import TaskConfig, resolve_tasks
from onebody.tasks.routed import RoutedConfig, RoutedTask, build_routed
from onebody.tasks.tree import TreeConfig, TreeTask, build_tree
from onebody.tasks.union import UnionConfig, UnionTask, build_union
from onebody.tasks.which import WhichConfig, WhichTask, build_which

TASKS: dict[str, Factory[Task]] = {
    "classification": Factory(
        config=ClassificationConfig,
        build=build_classification,
        summary="one class per sample: which action, which gesture, who",
    ),
    "pose2d": Factory(
        config=Pose2DConfig,
        build=build_pose2d,
        summary="joints of every frame in the picture",
    ),
    "pose3d": Factory(
        config=Pose3DConfig,
        build=build_pose3d,
        summary="joints of every frame in space, relative to a given distance",
    ),
    "box": Factory(
        config=BoxConfig,
        build=build_box,
        summary="where the person is: a box in every frame of the picture",
    ),
    "union": Factory(
        config=UnionConfig,
        build=build_union,
        summary="one label space over several class tasks: nobody need say which task it is",
    ),
    "which": Factory(
        config=WhichConfig,
        build=build_which,
        summary="which of several class tasks a clip belongs to, or none: a router",
    ),
    "routed": Factory(
        config=RoutedConfig,
        build=build_routed,
        summary="class tasks behind a router: p(task) times p(class given the task)",
    ),
    "tree": Factory(
        config=TreeConfig,
        build=build_tree,
        summary="classes over sub-classes: one softmax over the leaves, classes are their sums",
    ),
    "consistency": Factory(
        config=ConsistencyConfig,
        build=build_consistency,
        summary="how often the heads of classes and of sub-classes contradict each other",
    ),
}
"""Kinds of tasks; builders take a resolved config and nothing else."""


def build_tasks(resolved: Mapping[str, Config]) -> dict[str, Task]:
    """Build all tasks from configurations that `resolve_tasks` made."""
    return {name: build(TASKS, config, "task") for name, config in resolved.items()}


__all__ = [
    "Task",
    "TASKS",
    "taught",
    "TaskConfig",
    "resolve_tasks",
    "build_tasks",
    "ClassTask",
    "ClassificationConfig",
    "ClassificationTask",
    "PoseConfig",
    "PoseTask",
    "Pose2DConfig",
    "Pose2DTask",
    "Pose3DConfig",
    "Pose3DTask",
    "BoxConfig",
    "BoxTask",
    "JointTask",
    "NONE_OF_THESE",
    "speakers",
    "UnionConfig",
    "UnionTask",
    "WhichConfig",
    "WhichTask",
    "RoutedConfig",
    "RoutedTask",
    "TreeConfig",
    "TreeTask",
    "ConsistencyConfig",
    "ConsistencyTask",
]
