"""Where a test looks at people: at the table's boxes, at none, or where the network finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import torch

from onebody.data import Source, evaluation_batches
from onebody.data.reading import channels_of
from onebody.evaluation.answers import evaluating
from onebody.inference.own_boxes import Numbers, boxes_of, pose_tasks, united
from onebody.models import Network

Boxes: TypeAlias = Literal["table", "none", "own"]


def with_boxes(
    network: Network,
    sources: Sequence[Source],
    boxes: Boxes,
    *,
    clips: int = 1,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
) -> tuple[list[Source], int]:
    """Change where the rows of a test are looked at.

    Metrics that divide by the crop's side (``pck_crop``) mean another length after that; compare
    those that divide by the head or the body.

    Args:
        network: finds the people of ``own``: a first pass on whole pictures, a box around the
            joints that it is sure of; the table's boxes are not looked at.
        sources: of the test; tables with boxes are for pictures.
        boxes: ``table`` (as they are), ``none`` (the whole picture) or ``own``.
        clips: test clips of each row; a box holds the joints of all of them.
        workers: processes that read ahead.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe.

    Returns:
        The sources, and the number of readable rows in which ``own`` found nobody: they are looked
        at whole.

    Raises:
        ValueError: if ``own`` is asked of a network without a pose task, or of what is no picture.
    """
    if boxes == "table":
        return list(sources), 0
    whole = [_boxed(source, np.full((len(source.table), 4), np.nan)) for source in sources]
    if boxes == "none":
        return whole, 0
    pose_tasks(network)
    found, missed = [], 0
    kind = torch.device(device).type
    network.to(device)
    with evaluating(network), torch.autocast(kind, torch.bfloat16, enabled=bf16):
        for source in whole:
            if channels_of(source.spec.modality) is None:
                raise ValueError(f"{source.spec.modality!r} is no picture: it has no boxes.")
            own = np.full((len(source.table), 4), np.nan)
            for batch in evaluation_batches(source, clips=clips, workers=workers):
                rows = batch.context.row.numpy()
                own[rows] = united([own[rows], boxes_of(network, batch.to(device))])
            missed += int((np.isnan(own).any(axis=1) & source.readable()).sum())
            found.append(_boxed(source, own))
    return found, missed


def _boxed(source: Source, boxes: Numbers) -> Source:
    """Return a source whose people are in other boxes."""
    return replace(source, table=replace(source.table, box=boxes))
