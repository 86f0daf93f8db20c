"""Frames that a step is tried on: of a video, of a run's own rows, or simulated ones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from onebody.data import InputSpec, Source, evaluation_batches, make_batch
from onebody.data.flow import pictured
from onebody.data.sources import probe
from onebody.datasets.simulated import Modality, SimulatedConfig, build_simulated
from onebody.inference.reader import open_medium, read_windows
from onebody.types import Floats

SIMULATED_CLIP = 16
"""Frames of a simulated clip."""


def video_frames(source: str, spec: InputSpec, most: int) -> list[Floats]:
    """Read the first frames of a medium, each ``[1, C, H, W]``, as the network wants them.

    Raises:
        MediaError: if it cannot be read.
    """
    clock = probe(source).fps > 0
    medium = open_medium(source, fps=None if clock else 1.0)  # times matter to nothing here
    count = min(most, len(medium.times_s))
    dense = spec.model_copy(update={"sampling": "dense", "stride": 1, "frames": count})
    (group,) = read_windows(medium, np.array([[0, count]]), dense)
    return split_frames(group.batch.inputs[spec.modality].numpy())


def source_frames(sources: Sequence[Source], most: int) -> list[Floats]:
    """Read frames of labeled rows, spread over them, one row's clip after the other.

    Args:
        sources: of one input; those of the first with readable rows are read.
        most: how many frames at most.

    Returns:
        Each ``[1, C, H, W]``; none if no row can be read.
    """
    for source in sources:
        rows = np.flatnonzero(source.readable())
        if not len(rows):
            continue
        clips = min(len(rows), -(-most // source.spec.frames))
        chosen = rows[np.linspace(0, len(rows) - 1, clips).round().astype(np.int64)]
        part = replace(source, table=source.table.select(chosen))
        frames: list[Floats] = []
        for batch in evaluation_batches(part):
            frames += split_frames(batch.inputs[source.spec.modality].numpy())
        return frames[:most]
    return []


def simulated_frames(spec: InputSpec, most: int) -> list[Floats]:
    """Make frames of simulated people who do several things, each ``[1, C, H, W]``.

    Raises:
        ValueError: if the modality cannot be simulated.
    """
    shown = pictured(spec.modality)
    if shown not in ("rgb", "depth", "silhouette"):
        raise ValueError(f"There are no simulated frames of {spec.modality!r}. Give a video.")
    with tempfile.TemporaryDirectory(prefix="onebody-") as folder:
        config = SimulatedConfig(
            modalities=(cast(Modality, shown),),
            size=spec.size,
            frames=min(most, SIMULATED_CLIP),
            people=1,
            clips=1,
            cache=Path(folder),
        )
        names = few_movements(-(-most // config.frames))
        table = build_simulated(config.model_copy(update=names))
        dense = spec.model_copy(update={"sampling": "dense", "stride": 1, "frames": config.frames})
        batch = make_batch(table, np.arange(len(table)), dense, (), augment=None)
        clips = batch.inputs[spec.modality].numpy().copy()
    return split_frames(clips)[:most]


def few_movements(count: int) -> dict[str, tuple[str, ...]]:
    """Choose some actions and gestures to simulate, as options of `SimulatedConfig`."""
    from onebody.simulate.actions import ACTIONS
    from onebody.simulate.gestures import GESTURES

    both = [list(ACTIONS), list(GESTURES)]
    chosen = [names[: max(1, (count + 1 - place) // 2)] for place, names in enumerate(both)]
    return {"actions": tuple(chosen[0]), "gestures": tuple(chosen[1])}


def split_frames(clips: Floats) -> list[Floats]:
    """Turn clips ``[B, C, T, H, W]`` into frames ``[1, C, H, W]``, clip by clip."""
    frames = clips.transpose(0, 2, 1, 3, 4).reshape(-1, 1, clips.shape[1], *clips.shape[3:])
    return [np.ascontiguousarray(frame, np.float32) for frame in frames]
