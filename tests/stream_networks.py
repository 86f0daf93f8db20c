"""Tiny causal networks for tests of streams, with weights far from their start."""

from __future__ import annotations

import torch

from onebody.config import lookup, read_config
from onebody.data import InputSpec
from onebody.models import NETWORKS, SavedNetwork, build_network, input_shapes
from onebody.tasks import TASKS, build_tasks
from scrambled import scramble

_PARTS = {"action": ["walk", "sit"], "gesture": ["wave", "clap"]}

TASKS_OF_STREAM = {
    **{
        name: {"kind": "classification", "name": name, "classes": classes, "per_frame": True}
        for name, classes in _PARTS.items()
    },
    "pose": {"kind": "pose2d", "name": "pose", "skeleton": "coco-17"},
    "space": {"kind": "pose3d", "name": "space", "skeleton": "coco-17"},
    "both": {
        "kind": "union",
        "name": "both",
        "of": ["action", "gesture"],
        "parts": _PARTS,
        "per_frame": True,
    },
}

ENCODER = {
    "kind": "points",
    "causal": True,
    "stem": 4,
    "widths": [4, 8, 8],
    "points": 17,
    "appearance": 4,
    "temporal_width": 16,
    "dilations": [1, 2],
}


def tiny_stream(
    *,
    modality: str = "rgb",
    size: int = 32,
    frames: int = 6,
    tasks: tuple[str, ...] = tuple(TASKS_OF_STREAM),
    notes: dict[str, object] | None = None,
    encoder: dict[str, object] | None = None,
) -> SavedNetwork:
    """Make an untrained causal network for action, gesture, their union, and poses in 2D and 3D."""
    configs = {
        name: read_config(
            lookup(TASKS, str(TASKS_OF_STREAM[name]["kind"]), "task").config,
            TASKS_OF_STREAM[name],
            "test",
        )
        for name in tasks
    }
    spec = InputSpec(modality=modality, size=size, frames=frames, sampling="dense")
    config = read_config(NETWORKS["multitask"].config, {"encoder": encoder or ENCODER}, "test")
    torch.manual_seed(0)
    network = build_network(config, build_tasks(configs), input_shapes(spec))
    scramble(network)
    network.eval()
    return SavedNetwork(
        network=network, tasks=configs, input=spec, config=config, notes=notes or {}
    )
