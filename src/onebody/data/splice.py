"""Clips in which one movement follows another: what a stream shows and single clips never do.

A network that answers every frame learns from clips of one label each. In a stream most answers are
given shortly after something else went on, so some training clips are made of two: the last frames
of one, then the first frames of another, each frame with the label of its own clip.

Source: cutting and joining clips along time is temporal CutMix as of Yun et al., "VideoMix", 2020;
here labels are not mixed but kept by frame, and the second clip always begins at its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from onebody.config import Config
from onebody.data.batch import Batch, Target
from onebody.data.spec import TargetSpec
from onebody.data.table import SampleTable
from onebody.types import Ints

TOLD_PER_FRAME = ("joints", "box")
"""Forms of targets that say something of every frame anyway."""

_OF_SPLICES = 0x5B11CE
"""Sets these draws apart from those of `onebody.data.augment`."""

_FOLLOWING = 1 << 40
"""Added to the pass of a clip that follows, so that it is not varied as where it comes first."""


class SpliceConfig(Config):
    """Which training clips are made of two.

    Attributes:
        share: probability that a clip is continued by another one.
        least: frames of either clip, at least.
        blind: first frames of the second clip that teach no class: nothing can be told from them.
        among: whose clips may follow: those of the same ``subject`` (in sets that name people), or
            ``any`` of the source.
    """

    share: float = Field(0.5, gt=0, le=1)
    least: int = Field(4, ge=1)
    blind: int = Field(2, ge=0)
    among: Literal["subject", "any"] = "subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Which rows are continued, by what.

    Attributes:
        entries: ``[M]`` their places in the batch.
        rows: ``[M]`` the rows of the table that follow.
        passes: ``[M]`` from which these draw what augmentation varies.
        frames: ``[M]`` frames of the first clip.
    """

    entries: Ints
    rows: Ints
    passes: Ints
    frames: Ints

    def select(self, places: Ints) -> Cuts:
        """Return some of them."""
        return Cuts(**{f.name: getattr(self, f.name)[places] for f in fields(self)})


def check_splice(config: SpliceConfig, frames: int, targets: tuple[TargetSpec, ...]) -> None:
    """Refuse what cannot be spliced.

    Raises:
        ValueError: if clips are too short, or a class task answers once per clip.
    """
    if frames < 2 * config.least:
        raise ValueError(
            f"'splice' joins two clips of at least {config.least} frames each ('least'), but clips "
            f"have {frames} ('input.frames')."
        )
    for target in targets:
        if target.form not in TOLD_PER_FRAME and not target.per_frame:
            raise ValueError(
                f"'splice' makes clips in which labels change, but task {target.task!r} answers "
                "once per clip. Set its 'per_frame', or leave 'splice' out."
            )


def draw_cuts(
    config: SpliceConfig,
    table: SampleTable,
    pool: Ints,
    rows: Ints,
    passes: Ints,
    *,
    seed: int,
    frames: int,
) -> Cuts:
    """Draw which rows are continued, by which others, and where.

    Args:
        config: see there.
        table: the source's.
        pool: rows that may follow.
        rows: ``[B]`` rows of the batch.
        passes: ``[B]`` pass of each draw.
        seed: of the training.
        frames: T.

    Returns:
        What depends on (seed, pass, row) and the pool alone. A row of a person with no other clip
        in the pool stays as it is.
    """
    people = table.subject[pool]
    found: list[tuple[int, int, int, int]] = []
    for entry, (row, number) in enumerate(zip(rows.tolist(), passes.tolist(), strict=True)):
        generator = np.random.default_rng([seed, number, row, _OF_SPLICES])
        wished, place, cut = generator.random(3)
        others = pool != row
        if config.among == "subject":
            others &= people == table.subject[row]
        candidates = pool[others]
        if wished < config.share and len(candidates):
            cuts = frames - 2 * config.least + 1
            chosen = int(candidates[int(place * len(candidates))])
            found.append((entry, chosen, number + _FOLLOWING, config.least + int(cut * cuts)))
    columns = np.array(found, np.int64).reshape(-1, 4).T
    return Cuts(entries=columns[0], rows=columns[1], passes=columns[2], frames=columns[3])


def frame_labels(batch: Batch, targets: tuple[TargetSpec, ...]) -> Batch:
    """Give every frame the label of its clip: values ``[B]`` become ``[B, T]``, soft ones too."""
    made = dict(batch.targets)
    for target in targets:
        if target.form in TOLD_PER_FRAME or target.task not in made:
            continue
        own = made[target.task]
        value = own.value.unsqueeze(1).expand(-1, batch.num_frames, *own.value.shape[1:])
        mask = own.present.unsqueeze(1).expand(-1, batch.num_frames)
        made[target.task] = replace(own, value=value.clone(), mask=mask.clone())
    return replace(batch, targets=made)


def splice(first: Batch, second: Batch, cuts: Cuts, *, blind: int) -> Batch:
    """Continue some rows of a batch by other clips.

    Args:
        first: ``[B]`` rows, labeled by frame (`frame_labels`).
        second: ``[M]`` clips that follow, likewise.
        cuts: M; which of the rows, and after how many of their last frames.
        blind: frames after the cut whose class labels do not count.

    Returns:
        The batch, in which row ``entries[m]`` shows its own last ``frames[m]`` frames and then the
        first ones of clip m. Its `Context` stays that of the first clip: crops and times of the
        second are not told.
    """
    picks = _Picks(cuts, first.num_frames)
    inputs = {
        name: picks.joined(x, second.inputs[name], 2 if x.dim() == 5 else 1)
        for name, x in first.inputs.items()
    }
    valid: dict[str, Tensor] = {}
    for name in [n for n in first.inputs if n in first.valid or n in second.valid]:
        shape = (first.valid if name in first.valid else second.valid)[name].shape[1:]
        one, other = (_valid(batch, name, shape) for batch in (first, second))
        valid[name] = picks.joined(one, other, 1) if shape else one
    targets = {
        name: _spliced_target(own, second.targets[name], picks, blind)
        for name, own in first.targets.items()
    }
    return replace(first, inputs=inputs, valid=valid, targets=targets)


class _Picks:
    """Where both clips of every spliced row go."""

    def __init__(self, cuts: Cuts, frames: int) -> None:
        self.entries = torch.from_numpy(cuts.entries)
        self.cut = torch.from_numpy(cuts.frames).unsqueeze(1)  # [M, 1]
        self.after = torch.arange(frames) - self.cut  # [M, T] since the cut; below 0: before it

    def joined(self, first: Tensor, second: Tensor, dim: int) -> Tensor:
        """Join the clips of both tensors ``[B, .., T, ..]`` and ``[M, .., T, ..]``."""
        out = first.clone()
        for m, (entry, cut) in enumerate(
            zip(self.entries.tolist(), self.cut.tolist(), strict=True)
        ):
            frames = first.shape[dim]
            own = first[entry].narrow(dim - 1, frames - cut[0], cut[0])
            then = second[m].narrow(dim - 1, 0, frames - cut[0])
            out[entry] = torch.cat((own, then), dim - 1)
        return out


def _valid(batch: Batch, name: str, shape: torch.Size) -> Tensor:
    """Return a medium's mask in the stated shape; whole where the batch has none."""
    whole = torch.ones(len(batch), *shape, dtype=torch.bool)
    return batch.valid.get(name, whole)


def _spliced_target(own: Target, other: Target, picks: _Picks, blind: int) -> Target:
    """Join the targets of both clips."""
    value = picks.joined(own.value, other.value, 1)
    mask = picks.joined(_known(own), _known(other), 1)
    if mask.dim() == 2:  # classes; joints can be told from any frame
        mask[picks.entries] &= (picks.after < 0) | (picks.after >= blind)
    present = own.present.clone()
    present[picks.entries] = mask[picks.entries].flatten(1).any(1)
    weight = own.weight
    if own.weight is not None or other.weight is not None:
        weight, then = (
            torch.ones(len(t.present)) if t.weight is None else t.weight for t in (own, other)
        )
        part = picks.cut.squeeze(1) / mask.shape[1]
        weight = weight.clone()
        weight[picks.entries] = part * weight[picks.entries] + (1 - part) * then
    return replace(own, value=value, mask=mask, present=present, weight=weight)


def _known(target: Target) -> Tensor:
    """Return what is known of a target, ``[N, T, ..]``; nothing of a row without a label."""
    if target.mask is None:  # joints and labels of frames always have one
        raise ValueError("Expected a target with a mask of its frames (see `frame_labels`).")
    return target.mask & target.present.view(-1, *(1,) * (target.mask.dim() - 1))
