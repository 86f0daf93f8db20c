"""The medium ``silhouette``: where a prepared depth picture shows a body."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from onebody.data import SampleTable
from onebody.data.sources import probe, read_frames
from onebody.data.store import load_table, save_table

LEAST_GREY = 8
"""Darker pixels are background: bodies are 17 and brighter, lossy videos blur both a little."""


def add_silhouettes(table: SampleTable, folder: Path) -> SampleTable:
    """Write a silhouette beside every depth clip of a prepared folder.

    Args:
        table: its rows; ``depth`` pictures are 0 where there is no body, and of one size.
        folder: where the table is saved.

    Returns:
        The table, saved anew, with pictures ``[T, H, W, 1]`` of 0 and 255.

    Raises:
        ValueError: if the table has no depth pictures.
    """
    if "depth" not in table.media or not len(table):
        raise ValueError(f"{folder}: expected 'depth' pictures, found {', '.join(table.media)}.")
    depth = table.media["depth"].tolist()
    infos = [probe(source) for source in depth]
    ends = np.cumsum([info.num_frames for info in infos])
    shape = (int(ends[-1]), infos[0].height, infos[0].width, 1)
    file = folder / "silhouette.npy"
    frames = np.lib.format.open_memmap(file, "w+", dtype=np.uint8, shape=shape)
    places = []
    for source, info, end in zip(depth, infos, ends.tolist(), strict=True):
        begin = end - info.num_frames
        body = read_frames(source, np.arange(info.num_frames), channels=1) > LEAST_GREY
        frames[begin:end] = np.where(body, 255, 0)
        places.append(f"{file}#{begin}:{end}")
    frames.flush()
    del frames
    media = {**table.media, "silhouette": np.array(places, np.str_)}
    save_table(replace(table, media=media), folder)
    return load_table(folder)
