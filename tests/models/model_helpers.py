"""Tiny tasks, batches and networks for the tests of this folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from onebody.config import read_config
from onebody.data import Batch, Context
from onebody.models import SHARINGS, InputShape, MultiTaskConfig, Network, build_network
from onebody.tasks import Task
from scrambled import scramble

INPUTS = {"rgb": InputShape(channels=3)}
WORN = {"imu": InputShape(channels=6, sensors=2)}
SKELETONS = {"skeleton": InputShape(channels=3, skeleton="kinect-20")}

TINY: dict[str, dict[str, Any]] = {
    "light": {"kind": "light", "width": 0.25, "keypoints": 3, "temporal_width": 32},
    "light-causal": {
        "kind": "light",
        "width": 0.25,
        "keypoints": 2,
        "point_width": 2,
        "temporal_width": 32,
        "dilations": [1, 2],
        "causal": True,
        "motion": True,
    },
    "points": {"kind": "points", "width": 0.25, "points": 5, "appearance": 8, "temporal_width": 32},
    "stream": {
        "kind": "stream",
        "width": 0.25,
        "patch": 2,
        "points": 5,
        "appearance": 4,
        "dilations": [1, 2],
    },
    "resnet3d": {"kind": "resnet3d", "depth": 10, "width": 0.0625},
    "resnet3d-hara": {
        "kind": "resnet3d",
        "depth": 50,
        "width": 0.0625,
        "stem_frames": 7,
        "max_pool": True,
    },
    "two-stream": {
        "kind": "two-stream",
        "width": 0.25,
        "keypoints": 2,
        "point_width": 2,
        "temporal_width": 32,
        "dilations": [1, 2],
        "fuse": 1,
    },
    "two-stream-causal": {
        "kind": "two-stream",
        "width": 0.25,
        "keypoints": 0,
        "temporal_width": 24,
        "dilations": [1, 2],
        "fuse": None,
        "lags": [1, 3],
        "causal": True,
    },
    "recurrent": {
        "kind": "recurrent",
        "cell": "lstm",
        "hidden": 12,
        "layers": 2,
        "trunk": {
            "kind": "light",
            "width": 0.25,
            "keypoints": 2,
            "point_width": 2,
            "temporal_width": 32,
            "dilations": [],
        },
    },
    "recurrent-hybrid": {
        "kind": "recurrent",
        "hidden": 12,
        "trunk": {"kind": "skeleton", "channels": 16, "depth": 3, "causal": True},
    },
    "hierarchy": {
        "kind": "hierarchy",
        "scales": [1, 2, 3],
        "trunk": {"kind": "skeleton", "channels": 12, "depth": 1},
    },
    "hierarchy-causal": {
        "kind": "hierarchy",
        "scales": [1, 2, 3],
        "norm": "layer",
        "causal": True,
        "trunk": {
            "kind": "light",
            "width": 0.25,
            "keypoints": 2,
            "point_width": 2,
            "temporal_width": 32,
            "dilations": [],
        },
    },
    "skeleton": {
        "kind": "skeleton",
        "channels": 16,
        "depth": 4,
        "strides": [1, 2],
        "norm": "layer",
    },
    "skeleton-causal": {
        "kind": "skeleton",
        "channels": 16,
        "depth": 3,
        "blocks": 2,
        "dilations": [1, 2],
        "causal": True,
    },
    "stgcn": {
        "kind": "stgcn",
        "channels": 8,
        "depth": 4,
        "blocks": 1,
        "strides": [1, 2],
        "topology": "refined",
        "stream": ["bone", "joint-motion"],
        "readout": 6,
    },
    "stgcn-causal": {
        "kind": "stgcn",
        "channels": 6,
        "depth": 2,
        "strides": [1],
        "dilations": [1, 3],
        "stream": "bone-motion",
        "causal": True,
    },
    "skeleton-transformer": {
        "kind": "skeleton-transformer",
        "channels": 8,
        "depth": 4,
        "strides": [1, 2],
        "heads": 2,
        "reach": 3,
    },
    "jtm": {
        "kind": "jtm",
        "size": 16,
        "window": 8,
        "width": 0.25,
        "keypoints": 2,
        "point_width": 2,
    },
    "imu-spectral": {
        "kind": "imu-spectral",
        "branch": 8,
        "channels": 16,
        "window": 8,
        "hop": 3,
        "norm": "layer",
    },
    "tcn-imu": {"kind": "tcn-imu", "channels": 16, "normalize": "clip", "dilations": [1, 2]},
    "tcn-imu-causal": {
        "kind": "tcn-imu",
        "channels": 16,
        "depth": 3,
        "alone": 1,
        "blocks": 1,
        "dilations": [1, 2],
        "causal": True,
    },
    "fusion": {
        "kind": "fusion",
        "channels": 12,
        "branches": {
            "skeleton": {"kind": "skeleton", "channels": 8, "depth": 1},
            "imu": {"kind": "imu-spectral", "branch": 4, "channels": 8, "window": 8, "hop": 3},
        },
    },
    "fusion-causal": {
        "kind": "fusion",
        "channels": 12,
        "how": "early",
        "causal": True,
        "branches": {
            "skeleton": {"kind": "skeleton", "channels": 8, "depth": 1, "causal": True},
            "imu": {"kind": "tcn-imu", "channels": 8, "depth": 2, "causal": True},
        },
    },
    "fusion-late": {
        "kind": "fusion",
        "channels": 8,
        "how": "late",
        "branches": {
            "skeleton": {"kind": "skeleton", "channels": 8, "depth": 1},
            "imu": {"kind": "tcn-imu", "channels": 8, "depth": 2},
        },
    },
}
"""Encoder configs by name; every kind needs one."""


READ_JOINTS = ("skeleton", "stgcn", "skeleton-transformer", "jtm")
"""Kinds of encoders that are given skeletons, not pictures."""

NUMBERS = {
    **dict.fromkeys(READ_JOINTS, SKELETONS),
    **dict.fromkeys(("imu-spectral", "tcn-imu"), WORN),
    "fusion": {**SKELETONS, **WORN},
}
"""What encoders read that do not read pictures, by kind."""


def reader(values: Mapping[str, Any]) -> str:
    """Return the kind of encoder whose stem reads the input: of the trunk, where there is one."""
    return str(values.get("trunk", values)["kind"])


SHARED: dict[str, dict[str, Any]] = {
    **{kind: {"kind": kind} for kind in SHARINGS},
    "mmoe": {"kind": "mmoe", "experts": 2},
    "mmoe-frame": {"kind": "mmoe", "experts": 2, "gate": "frame"},
    "shared-private-frame": {"kind": "shared-private", "gate": "frame", "private": 2},
}
"""Configs of ways of sharing by name: every kind, and variants that behave otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeTask(Task):
    """A task of any form; its loss is the mean square of its output."""

    kind: ClassVar[str] = "fake"
    of_form: str = "vector"
    size: int = 3
    coordinates: int = 0
    parts: tuple[str, ...] = ()
    column: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    primary: str = ""

    @property
    def reads(self):
        return self.parts

    @property
    def form(self):
        return self.of_form

    @property
    def num_outputs(self):
        return self.size

    @property
    def dims(self):
        return self.coordinates

    def compose(self, parts):
        return torch.cat([parts[name] for name in self.parts], -1)

    def target_spec(self, table):
        raise NotImplementedError

    def loss(self, output, target):
        return output.square().flatten(1).mean(1)

    def decode(self, output, context):
        return output

    def collect(self, output, target, context):
        raise NotImplementedError


def vector(name: str, size: int = 3) -> FakeTask:
    return FakeTask(name=name, of_form="vector", size=size)


def frames(name: str, size: int = 2) -> FakeTask:
    return FakeTask(name=name, of_form="frames", size=size)


def joints(name: str, size: int = 5, dims: int = 2) -> FakeTask:
    return FakeTask(name=name, of_form="joints", size=size, coordinates=dims)


def union(name: str, *parts: str) -> FakeTask:
    return FakeTask(name=name, parts=parts)


def by_name(*tasks: FakeTask) -> dict[str, Task]:
    return {task.name: task for task in tasks}


def all_forms() -> dict[str, Task]:
    return by_name(vector("action"), frames("phase"), joints("pose"), joints("body", dims=3))


def forms_of(encoder: str) -> dict[str, Task]:
    """Return tasks of all forms that an encoder of this kind has features for, by equal names."""
    if reader(TINY[encoder]) in NUMBERS:  # has no picture to find joints in
        return by_name(vector("action"), frames("phase"), frames("pose"), vector("body"))
    return all_forms()


def batch_for(
    encoder: str,
    rows: int = 2,
    num_frames: int = 4,
    height: int = 32,
    width: int = 32,
    *,
    seed: int = 0,
) -> Batch:
    """Make a Batch of what an encoder reads: pictures, skeletons or sensor readings."""
    if reader(TINY[encoder]) not in NUMBERS:
        return make_batch(rows, num_frames, height, width, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    inputs = {
        name: torch.rand(
            (rows, num_frames, shape.sensors or 20, shape.channels), generator=generator
        )
        for name, shape in NUMBERS[reader(TINY[encoder])].items()
    }
    return Batch(inputs=inputs, context=make_context(rows, num_frames))


def time_axis(name: str) -> int:
    """Return which axis of an input is time."""
    return 1 if name in ("skeleton", "imu") else 2


def make_batch(
    rows: int = 2,
    num_frames: int = 4,
    height: int = 32,
    width: int = 32,
    *,
    channels: int = 3,
    seed: int = 0,
    valid: Mapping[str, Tensor] | None = None,
) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, channels, num_frames, height, width, generator=generator)
    return Batch(inputs={"rgb": x}, valid=dict(valid or {}), context=make_context(rows, num_frames))


def make_context(rows: int, num_frames: int) -> Context:
    return Context(
        row=torch.arange(rows),
        times_s=torch.arange(num_frames).repeat(rows, 1) / 25.0,
        crop_to_source=torch.eye(3)[:2].repeat(rows, 1, 1),
        camera=torch.full((rows, 4), torch.nan),
        depth_ref_mm=torch.full((rows,), torch.nan),
    )


def cut(batch: Batch, start: int, stop: int) -> Batch:
    """Return some frames of a Batch."""
    return Batch(
        inputs={
            name: x.narrow(time_axis(name), start, stop - start) for name, x in batch.inputs.items()
        },
        context=make_context(len(batch), stop - start),
    )


def make_network(
    encoder: str | Mapping[str, Any],
    tasks: Mapping[str, Task],
    *,
    sharing: str | Mapping[str, Any] = "hard",
    heads: Mapping[str, Any] | None = None,
    fresh: bool = False,
) -> Network:
    """Build a network; unless fresh, its weights, norms and statistics are far from their start."""
    torch.manual_seed(0)
    values = TINY[encoder] if isinstance(encoder, str) else encoder
    config = read_config(
        MultiTaskConfig,
        {
            "encoder": values,
            "sharing": SHARED[sharing] if isinstance(sharing, str) else sharing,
            "heads": dict(heads or {}),
        },
        "test",
    )
    network = build_network(config, tasks, NUMBERS.get(reader(values), INPUTS))
    if not fresh:
        scramble(network)
    return network


def mask(*rows: int) -> Tensor:
    return torch.tensor(rows, dtype=torch.bool)
