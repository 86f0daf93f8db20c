"""A tiny dataset whose labels can be learned, and a recipe on it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from onebody.config import Config, read_config
from onebody.data import ClassColumn, JointsColumn, make_table
from onebody.labels import UNLABELED, LabelSpace
from onebody.training.recipe import Recipe

ROWS, FRAMES, SIDE, JOINTS = 24, 4, 16, 17


class TinyConfig(Config):
    """Squares that move sideways in front of a colored ground.

    Attributes:
        folder: where the media are written.
        labels: ``all`` of every row, or ``one`` of them in turn.
        broken: rows whose medium does not exist.
        nan: rows whose joints are infinite.
        without: columns that label no row at all.
        name: how messages call its rows.
    """

    kind: Literal["tiny"] = "tiny"
    folder: Path
    labels: Literal["all", "one"] = "all"
    broken: tuple[int, ...] = ()
    nan: tuple[int, ...] = ()
    without: tuple[str, ...] = ()
    name: str = "tiny"


def build_tiny(config: TinyConfig):
    """Write the media once, and make the table."""
    rng = np.random.default_rng(0)
    action, gesture = rng.integers(0, 2, ROWS), rng.integers(0, 3, ROWS)
    who = np.arange(ROWS) % 4
    frames = np.zeros((ROWS, FRAMES, SIDE, SIDE, 3), np.uint8)
    joints = np.ones((ROWS, FRAMES, JOINTS, 3), np.float32)
    for row in range(ROWS):
        frames[row, ..., gesture[row]] = 90  # the ground's color is the gesture
        for time in range(FRAMES):
            x = (2 + 2 * time) if action[row] else (10 - 2 * time)  # the direction is the action
            y = 2 + 3 * who[row]  # the height is the wearer
            frames[row, time, y : y + 4, x : x + 4] = 255
            joints[row, time, :, :2] = (x + 2, y + 2)
    joints[list(config.nan)] = np.inf
    config.folder.mkdir(exist_ok=True, parents=True)
    path = config.folder / f"frames{len(config.nan)}.npy"
    if not path.exists():
        np.save(path, frames.reshape(-1, SIDE, SIDE, 3))
        np.save(path.with_suffix(".joints.npy"), joints.reshape(-1, JOINTS, 3))
    spans = [f"#{FRAMES * row}:{FRAMES * (row + 1)}" for row in range(ROWS)]
    media = [("gone.npy" if i in config.broken else str(path)) + s for i, s in enumerate(spans)]
    poses = np.array([str(path.with_suffix(".joints.npy")) + span for span in spans])
    turn = np.arange(ROWS) // 4 % 4 if config.labels == "one" else None

    def classes(name, values, names, number):
        if turn is not None:
            values = np.where(turn == number, values, UNLABELED)
        if name in config.without:
            values = np.full(ROWS, UNLABELED)
        return ClassColumn(values=values.astype(np.int64), space=LabelSpace(f"tiny {name}", names))

    if turn is not None:
        poses = np.where(turn == 3, poses, "")
    return make_table(
        config.name,
        {"rgb": media},
        columns={
            "action": classes("action", action, ("left", "right"), 0),
            "gesture": classes("gesture", gesture, ("red", "green", "blue"), 1),
            "who": classes("who", who, tuple("abcd"), 2),
            "pose": JointsColumn(sources=poses, skeleton="coco-17", unit="px"),
        },
        fps=np.full(ROWS, 25.0),
        subject=[f"s{i}" for i in who],
        split=["train"] * 16 + ["validation"] * 4 + ["test"] * 4,
    )


def plain(folder: Path):
    """Return the tiny recipe as plain values."""
    encoder = {
        "kind": "light",
        "stem": 8,
        "widths": [8, 16],
        "blocks": [1, 1],
        "strides": [2, 1],
        "keypoints": 2,
        "point_width": 8,
        "temporal_width": 16,
        "dilations": [1],
    }
    return {
        "data": [{"dataset": {"kind": "tiny", "folder": str(folder / "media")}, "batch_size": 8}],
        "split": {"own_split": True},
        "input": {"size": SIDE, "frames": FRAMES},
        "tasks": {
            "pose": "pose2d",
            "action": "classification",
            "gesture": "classification",
            "who": "classification",
        },
        "network": {"kind": "multitask", "encoder": encoder},
        "optimizer": {"kind": "adamw", "lr": 0.003},
        "schedule": {"epochs": 2},
        "train": {"device": "cpu", "log_every": 1},
    }


def read(values) -> Recipe:
    """Read plain values as a recipe."""
    return read_config(Recipe, values, "test")
