"""A tiny set of worn sensors with four partly labeled tasks, and a recipe on it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from onebody.config import Config
from onebody.data import ClassColumn, make_table
from onebody.labels import UNLABELED, LabelSpace

RATE = 20.0
LENGTH = 60
PEOPLE = ("ada", "bob", "cyd", "dan")
ACTIVITIES = ("rest", "walk", "run")
POSITIONS = ("wrist", "waist")


class WornConfig(Config):
    """Waves of a frequency by activity, about a direction of gravity by position.

    Attributes:
        folder: where the media are written.
        trials: of each person, activity and position.
        labels: ``all`` of every row, or ``one`` of them in turn.
        rate: that the table states; null: nobody knows.
    """

    kind: Literal["worn"] = "worn"
    folder: Path
    trials: int = 3
    labels: Literal["all", "one"] = "all"
    rate: float | None = RATE


def build_worn(config: WornConfig):
    """Write the media once, and make the table."""
    rng = np.random.default_rng(0)
    rows = [
        (who, activity, position)
        for who in range(len(PEOPLE))
        for activity in range(len(ACTIVITIES))
        for position in range(len(POSITIONS))
        for _ in range(config.trials)
    ]
    time = np.arange(LENGTH) / RATE
    values = np.zeros((len(rows), LENGTH, 1, 6), np.float32)
    for row, (who, activity, position) in enumerate(rows):
        values[row, :, 0, 2 if position else 0] = 9.8
        wave = np.sin(2 * np.pi * 2 * activity * time + rng.uniform(0, 6))
        values[row, :, 0, 1] += (2 + who) * wave
        values[row, :, 0, 3 + who % 3] += 0.5 * wave
    values += 0.1 * rng.standard_normal(values.shape).astype(np.float32)
    values[::5, 10:20, 0, 4] = np.nan
    config.folder.mkdir(exist_ok=True, parents=True)
    path = config.folder / "imu.npy"
    np.save(path, values.reshape(-1, 1, 6))
    found = np.array(rows)
    columns = {
        "activity": (found[:, 1], ACTIVITIES),
        "wearer": (found[:, 0], PEOPLE),
        "gender": (found[:, 0] % 2, ("f", "m")),
        "position": (found[:, 2], POSITIONS),
    }
    turn = np.random.default_rng(1).integers(0, len(columns), len(rows))

    def column(number, name, labels, names):
        kept = labels if config.labels == "all" else np.where(turn == number, labels, UNLABELED)
        return ClassColumn(values=kept.astype(np.int64), space=LabelSpace(f"worn {name}", names))

    return make_table(
        "worn",
        {"imu": [f"{path}#{LENGTH * i}:{LENGTH * (i + 1)}" for i in range(len(rows))]},
        columns={n: column(i, n, *given) for i, (n, given) in enumerate(columns.items())},
        fps=np.full(len(rows), np.nan if config.rate is None else config.rate),
        subject=[PEOPLE[who] for who, _, _ in rows],
        group=[f"trial-{i}" for i in range(len(rows))],
    )


def worn_recipe(folder: Path, encoder: str = "imu-spectral") -> dict:
    """Return a recipe's plain values: four tasks, one person left out."""
    small = {
        "imu-spectral": {"branch": 8, "channels": 16, "window": 16, "hop": 8},
        "tcn-imu": {"channels": 12, "depth": 2, "alone": 1, "blocks": 1},
    }[encoder]
    return {
        "data": [{"dataset": {"kind": "worn", "folder": str(folder / "data")}, "batch_size": 12}],
        "input": {"modality": "imu", "frames": 40},
        "split": {"test": {"subject": ["dan"]}, "validation": {"subject": ["cyd"]}},
        "tasks": dict.fromkeys(("activity", "wearer", "gender", "position"), "classification"),
        "network": {"kind": "multitask", "encoder": {"kind": encoder, **small}},
        "augment": {"mount_deg": [0, 10], "drop_channels": 0.05},
        "optimizer": {"kind": "adamw", "lr": 0.01},
        "schedule": {"epochs": 6},
        "train": {"device": "cpu", "validate_every": 6},
    }
