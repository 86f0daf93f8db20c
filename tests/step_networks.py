"""A tiny causal network of pictures with weights that matter, for tests of streams and runtimes."""

from __future__ import annotations

import numpy as np
import torch

from onebody.config import lookup, read_config
from onebody.data import InputSpec
from onebody.models import NETWORKS, SavedNetwork, build_network, input_shapes
from onebody.tasks import TASKS, build_tasks

SIZE = 32

ENCODER = {
    "kind": "light",
    "causal": True,
    "stem": 4,
    "widths": [6, 8],
    "blocks": [1, 1],
    "strides": [2, 2],
    "keypoints": 3,
    "point_width": 4,
    "temporal_width": 8,
    "dilations": [1, 2],
}

_TASKS = {
    "action": {"kind": "classification", "classes": ["walk", "sit", "jump"], "per_frame": True},
    "gesture": {"kind": "classification", "classes": ["wave", "clap"], "per_frame": True},
    "pose": {"kind": "pose2d", "skeleton": "coco-17"},
}


def step_network(encoder=None, tasks=None, seed=0, sharing=None, **spec) -> SavedNetwork:
    """Build one; its batch norms have statistics, as after training."""
    wanted = {name: {**v, "name": name} for name, v in (tasks or _TASKS).items()}
    configs = {
        name: read_config(lookup(TASKS, str(values["kind"]), "task").config, values, "test")
        for name, values in wanted.items()
    }
    input = InputSpec(**{"size": SIZE, "frames": 4, "sampling": "dense", **spec})
    given = {"encoder": encoder or ENCODER, "sharing": sharing or {"kind": "hard"}}
    config = read_config(NETWORKS["multitask"].config, given, "test")
    torch.manual_seed(seed)
    network = build_network(config, build_tasks(configs), input_shapes(input))
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif value.is_floating_point() and value.ndim == 1:
                value.add_(torch.randn_like(value) * 0.1)
    network.eval()
    return SavedNetwork(network=network, tasks=configs, input=input, config=config, notes={})


def noise(count: int, channels: int = 3, size: int = SIZE, seed: int = 0) -> list[np.ndarray]:
    """Return frames of noise."""
    rng = np.random.default_rng(seed)
    return [rng.random((1, channels, size, size), np.float32) for _ in range(count)]
