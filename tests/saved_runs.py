"""Runs' folders with small untrained networks, for tests that open them."""

from __future__ import annotations

from pathlib import Path

import torch

from onebody.config import lookup, read_config
from onebody.data import InputSpec
from onebody.models import NETWORKS, SavedNetwork, build_network, input_shapes, save_network
from onebody.tasks import TASKS, build_tasks

_TASKS = {
    "action": {"kind": "classification", "name": "action", "classes": ["walk", "sit"]},
    "gesture": {"kind": "classification", "name": "gesture", "classes": ["wave", "clap"]},
    "pose": {"kind": "pose2d", "name": "pose", "skeleton": "coco-17"},
    "both": {
        "kind": "union",
        "name": "both",
        "of": ["action", "gesture"],
        "parts": {"action": ["walk", "sit"], "gesture": ["wave", "clap"]},
    },
}

_SPACE = {"kind": "pose3d", "name": "space", "skeleton": "coco-17"}


def write_saved(folder: Path, saved: SavedNetwork, **notes: object) -> Path:
    """Write a network as ``folder/model``, with its notes and further ones."""
    save_network(
        folder / "model",
        saved.network,
        config=saved.config,
        tasks=saved.tasks,
        input=saved.input,
        notes={**saved.notes, **notes},
    )
    return folder


def write_run(folder: Path, *, with_3d: bool = False, modality: str = "rgb") -> Path:
    """Write ``folder/model``: action, gesture, their union and pose from dense windows."""
    wanted = _TASKS | ({"space": _SPACE} if with_3d else {})
    tasks = {
        name: read_config(lookup(TASKS, str(values["kind"]), "task").config, values, "test")
        for name, values in wanted.items()
    }
    spec = InputSpec(modality=modality, size=32, frames=4, sampling="dense")
    config = read_config(NETWORKS["multitask"].config, {}, "test")
    torch.manual_seed(0)
    network = build_network(config, build_tasks(tasks), input_shapes(spec))
    save_network(folder / "model", network, config=config, tasks=tasks, input=spec, notes={})
    return folder
