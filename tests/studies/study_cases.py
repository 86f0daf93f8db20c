"""Tiny studies, and figures made up so that it is known what must be found in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tiny_training import plain, read

from onebody.studies.gains import Cell, GridFigures

SUBJECTS, SEEDS = 8, 2


def tiny_study(folder: Path, **study):
    """Return a recipe of two tasks on tiny clips; each clip has one label."""
    values = plain(folder)
    values["data"][0]["dataset"]["labels"] = "one"
    values["data"][0]["batch_size"] = 4
    values["tasks"] = {"action": "classification", "gesture": "classification"}
    values["split"] = {"validation": {"subject": ["s2"]}}
    values["schedule"] = {"epochs": 1}
    values["study"] = {
        "sharing": ["hard", "cross-stitch"],
        "balancing": ["average"],
        "seeds": 2,
        "folds": {"column": "subject", "values": ["s0", "s1"]},
        "twins": {"sizes": ["equal-depth"]},
        **study,
    }
    return read(values)


def by_subject(value: float, spread: float = 0.0):
    """Return figures around a value: subjects differ, evenly to both sides."""
    return {
        (f"p{i}", seed): value + spread * (i - (SUBJECTS - 1) / 2) / SUBJECTS
        for i in range(SUBJECTS)
        for seed in range(SEEDS)
    }


def grid_figures(
    joint: dict[tuple[str, str, str], float],
    twins: dict[str, float],
    *,
    noise: float = 0.0,
    scores: dict[tuple[str, str, str], float] | None = None,
) -> GridFigures:
    """Make a finished grid.

    Args:
        joint: figure of both tasks by (sharing, balancing, depth).
        twins: likewise by depth, from shallow to deep.
        noise: how much the subjects of joint networks differ from those of the twins.
        scores: on validation; None: the test figures.
    """
    rng = np.random.default_rng(0)

    def noisy(value: float):
        signs = rng.permutation([-1.0, 1.0] * (SUBJECTS // 2))  # the mean stays
        return {
            (f"p{i}", seed): value + noise * signs[i]
            for i in range(SUBJECTS)
            for seed in range(SEEDS)
        }

    return GridFigures(
        cells=tuple(
            Cell(
                name=".".join(key),
                sharing=key[0],
                balancing=key[1],
                depth=key[2],
                score=(scores or joint)[key],
            )
            for key in joint
        ),
        depths=tuple(twins),
        sizes=("equal-depth",),
        joint={
            ".".join(key): {"action": noisy(value), "gesture": noisy(value)}
            for key, value in joint.items()
        },
        twins={
            (depth, "equal-depth"): {
                "action": by_subject(value),
                "gesture": by_subject(value),
            }
            for depth, value in twins.items()
        },
        higher={"action": True, "gesture": True},
    )
