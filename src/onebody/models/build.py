"""From a network's config to a `Network`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field
from torch import nn

from onebody.config import Config, build, choice, nearest
from onebody.models.base import Head, Network, StageInfo
from onebody.models.box_head import BoxHeadConfig
from onebody.models.class_head import ClassHeadConfig, FrameHeadConfig
from onebody.models.hard import HardConfig
from onebody.models.inputs import InputShape
from onebody.models.joint_head import JointHeadConfig
from onebody.models.light import LightConfig
from onebody.models.multitask import MultiTask
from onebody.models.registry import ENCODERS, HEADS, NETWORKS, SHARINGS
from onebody.models.seeds import drawn_for
from onebody.tasks import Task

if TYPE_CHECKING:
    AnyEncoder: TypeAlias = Config
    AnySharing: TypeAlias = Config
    AnyHead: TypeAlias = Config
else:
    AnyEncoder = choice(ENCODERS, "encoder")
    AnySharing = choice(SHARINGS, "sharing")
    AnyHead = choice(HEADS, "head")

STREAM_WINDOW = 16
"""Frames that a causal network's clip classifiers average, unless their config says otherwise."""


class MultiTaskConfig(Config):
    """An encoder, how tasks share it, and their heads.

    Attributes:
        encoder: see ``ENCODERS``.
        sharing: see ``SHARINGS``.
        heads: by task name; tasks that are not named get the head of their form.
    """

    kind: Literal["multitask"] = "multitask"
    encoder: AnyEncoder = LightConfig()
    sharing: AnySharing = HardConfig()
    heads: Mapping[str, AnyHead] = Field(default_factory=dict)


def build_network(
    config: Config, tasks: Mapping[str, Task], inputs: Mapping[str, InputShape]
) -> Network:
    """Build any registered network.

    Args:
        config: a network's config, chosen by its ``kind``.
        tasks: by name.
        inputs: what it is given, by modality (`input_shapes`).
    """
    return build(NETWORKS, config, "network", tasks=tasks, inputs=inputs)


def build_multitask(
    config: MultiTaskConfig, *, tasks: Mapping[str, Task], inputs: Mapping[str, InputShape]
) -> MultiTask:
    """Build encoder, sharing and heads.

    Raises:
        ValueError: if a head is given for no task, for a composite one, or does not fit.
    """
    plain = {name: task for name, task in tasks.items() if not task.reads}
    for name in config.heads:
        if name not in plain:
            why = "is composite: it has no head" if name in tasks else "is not a task"
            raise ValueError(f"A head is given for {name!r}, which {why}. {nearest(name, plain)}")
    if not plain:
        raise ValueError("A network needs at least one task with a head; none is given.")
    for name in plain:
        _check_name(name)
    sharing = build(
        SHARINGS,
        config.sharing,
        "sharing",
        make_encoder=lambda: build(ENCODERS, config.encoder, "encoder", inputs=inputs),
        tasks=tuple(plain),
    )
    heads = {
        name: _build_head(config.heads.get(name), task, sharing.info, causal=sharing.causal)
        for name, task in plain.items()
    }
    sharing.trim({name: head.stages for name, head in heads.items()})
    return MultiTask(tasks, sharing, heads)


def _check_name(name: str) -> None:
    """Refuse a task's name that parts of a network cannot be called by."""
    if "." in name or hasattr(nn.ModuleDict, name):
        raise ValueError(
            f"A task cannot be called {name!r}: names must hold no dot and differ from those "
            "of a ModuleDict's methods. Rename it."
        )


def _build_head(
    config: Config | None, task: Task, info: Sequence[StageInfo], *, causal: bool
) -> Head:
    """Build a task's head, by default the one of its form."""
    if config is None:
        config = {
            "vector": ClassHeadConfig(window=STREAM_WINDOW if causal else None),
            "frames": FrameHeadConfig(),
            "joints": JointHeadConfig(),
            "box": BoxHeadConfig(),
        }[task.form]
    # A head's random weights depend on the seed and its task's name, not on which other tasks there
    # are: a network with one task more begins, in all it shares with the other, at the same point.
    with drawn_for(task.name):
        return build(HEADS, config, "head", task=task, info=info)
