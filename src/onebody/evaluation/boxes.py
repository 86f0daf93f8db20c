"""Where a test looks at people: at the table's boxes, at none, or where a network finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import torch

from onebody.data import InputSpec, SampleTable, Source, evaluation_batches
from onebody.data.flow import pictured
from onebody.data.reading import channels_of
from onebody.evaluation.answers import evaluating
from onebody.inference.own_boxes import Numbers, boxes_of, finding_tasks, united
from onebody.models import Network, SavedNetwork

Boxes: TypeAlias = Literal["table", "none", "own"]


def with_boxes(
    network: Network,
    sources: Sequence[Source],
    boxes: Boxes,
    *,
    finder: SavedNetwork | None = None,
    clips: int = 1,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
) -> tuple[list[Source], int]:
    """Change where the rows of a test are looked at.

    Metrics that divide by the crop's side (``pck_crop``) mean another length after that; compare
    those that divide by the head or the body. A task whose truth are the boxes of the table is left
    out where these are replaced: found boxes are no truth.

    Args:
        network: finds the people of ``own``: a first pass on whole pictures; its task of boxes, or
            a box around the joints that it is sure of; the table's boxes are not looked at.
        sources: of the test; tables with boxes are for pictures.
        boxes: ``table`` (as they are), ``none`` (the whole picture) or ``own``.
        finder: a network that finds the people of ``own`` in place of the tested one.
        clips: test clips of each row; a box holds the person of all of them.
        workers: processes that read ahead.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe.

    Returns:
        The sources, and the number of readable rows in which ``own`` found nobody: they are looked
        at whole.

    Raises:
        ValueError: if ``own`` is asked of a network without a task of boxes or poses, or of what is
            no picture.
    """
    if boxes == "table":
        return list(sources), 0
    if boxes == "none":
        return [_boxed(s, np.full((len(s.table), 4), np.nan)) for s in sources], 0
    found, missed = [], 0
    for source in sources:
        own = found_boxes(
            network if finder is None else finder.network,
            source.table,
            source.spec if finder is None else finder.input,
            modality=source.spec.modality,
            batch_size=source.batch_size,
            clips=clips,
            workers=workers,
            device=device,
            bf16=bf16,
        )
        missed += int((np.isnan(own).any(axis=1) & source.readable()).sum())
        found.append(_boxed(source, own))
    return found, missed


def found_boxes(
    network: Network,
    table: SampleTable,
    spec: InputSpec,
    *,
    modality: str = "",
    batch_size: int = 16,
    clips: int = 1,
    workers: int = 0,
    device: torch.device | str = "cpu",
    bf16: bool = False,
) -> Numbers:
    """Find the person in every row of a table, looking at whole pictures.

    Args:
        network: with a task of boxes or of poses; moved to ``device``.
        table: the rows; their own boxes are not looked at.
        spec: how the network's input is prepared.
        modality: whose pictures the boxes are for; empty: the network's own.
        batch_size: rows at once.
        clips: of each row; a box holds the person of all of them.
        workers: processes that read ahead.
        device: where to compute.
        bf16: compute in bfloat16 where that is safe.

    Returns:
        ``[N, 4]`` x0, y0, x1, y1 in source pixels; NaN where nobody is found, or nothing is there
        to look at.

    Raises:
        ValueError: if the network cannot tell, or reads something else than these pictures.
    """
    finding_tasks(network)
    if channels_of(spec.modality) is None:
        raise ValueError(f"{spec.modality!r} is no picture: it has no boxes.")
    if modality and pictured(modality) != pictured(spec.modality):
        raise ValueError(
            f"Expected a network that finds people in {modality!r}, found one that reads "
            f"{spec.modality!r}, whose pixels may lie elsewhere. Name a network of that medium."
        )
    whole = Source(
        table=table,
        spec=spec.model_copy(update={"look": "picture"}),
        targets=(),
        batch_size=batch_size,
    )
    own = np.full((len(table), 4), np.nan)
    kind = torch.device(device).type
    network.to(device)
    with evaluating(network), torch.autocast(kind, torch.bfloat16, enabled=bf16):
        for batch in evaluation_batches(whole, clips=clips, workers=workers):
            rows = batch.context.row.numpy()
            own[rows] = united([own[rows], boxes_of(network, batch.to(device))])
    return own


def _boxed(source: Source, boxes: Numbers) -> Source:
    """Return a source whose people are in other boxes, without tasks that these would answer."""
    return replace(
        source,
        table=replace(source.table, box=boxes),
        spec=source.spec.model_copy(update={"look": "box"}),
        targets=tuple(t for t in source.targets if t.form != "box" or t.skeleton),
    )
