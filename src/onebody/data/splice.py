"""Clips in which one movement follows another: what a stream shows and single clips never do.

A network that answers every frame learns from clips of one label each. In a stream most answers are
given shortly after something else went on, so some training clips are made of two: the last frames
of one, then the first frames of another, each frame with the label of its own clip.

A clip begins and ends with somebody at rest, and streams are mostly rest. With ``pause`` somebody
stands still between two clips (the last frame of one, then the first of the other, held), and
nothing happens there; nor does where a clip is shorter than what is wanted of it, so that its last
frame is repeated.

Source: cutting and joining clips along time is temporal CutMix as of Yun et al., "VideoMix", 2020;
here labels are not mixed but kept by frame, the second clip always begins at its beginning, and
there are pauses.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, PositiveFloat, model_validator
from torch import Tensor

from onebody.config import Config
from onebody.data.batch import Batch, Target
from onebody.data.pauses import camera_noise, hold, last_new_frames, time_axis
from onebody.data.spec import TargetSpec
from onebody.data.table import SampleTable
from onebody.types import Ints

TOLD_PER_FRAME = ("joints", "box")
"""Forms of targets that say something of every frame anyway."""

_OF_SPLICES = 0x5B11CE
"""Sets these draws apart from those of `onebody.data.augment`."""

_OF_PAUSES = 0x9A05E
"""Sets the noise of pauses apart from these."""

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
        pause: least and most frames of a pause between them. Where there are pauses, tasks that
            know such a class are taught that nothing happens in them, others nothing.
        tremble: least and greatest factor on the camera's noise in a pause, drawn evenly on a
            logarithmic scale: people stand less still than a held frame.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"pause", "tremble"})

    share: float = Field(0.5, gt=0, le=1)
    least: int = Field(4, ge=1)
    blind: int = Field(2, ge=0)
    among: Literal["subject", "any"] = "subject"
    pause: tuple[int, int] = (0, 0)
    tremble: tuple[PositiveFloat, PositiveFloat] = (1.0, 1.0)

    @model_validator(mode="after")
    def _ranges(self) -> SpliceConfig:
        if self.tremble[0] > self.tremble[1]:
            raise ValueError(
                "'tremble' is the least and the greatest factor, such as [1, 20]; found "
                f"[{self.tremble[0]:g}, {self.tremble[1]:g}]"
            )
        least, most = self.pause
        if not 0 <= least <= most:
            raise ValueError(
                "'pause' is least and most frames, both 0 or more and in this order, such as "
                f"[2, 24]; found [{least}, {most}]"
            )
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Splicing:
    """How clips of a source are spliced.

    Attributes:
        config: see there.
        targets: what is taught.
        seed: of the training.
        passes: ``[B]`` of the rows of the batch.
    """

    config: SpliceConfig
    targets: tuple[TargetSpec, ...]
    seed: int
    passes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Which rows are continued, by what.

    Attributes:
        entries: ``[M]`` their places in the batch.
        rows: ``[M]`` the rows of the table that follow.
        passes: ``[M]`` from which these draw what augmentation varies.
        frames: ``[M]`` frames of the first clip.
        pauses: ``[M]`` frames of the pause after it.
    """

    entries: Ints
    rows: Ints
    passes: Ints
    frames: Ints
    pauses: Ints

    def select(self, places: Ints) -> Cuts:
        """Return some of them."""
        return Cuts(**{f.name: getattr(self, f.name)[places] for f in fields(self)})


def check_splice(config: SpliceConfig, frames: int, targets: tuple[TargetSpec, ...]) -> None:
    """Refuse what cannot be spliced.

    Raises:
        ValueError: if clips are too short, or a class task answers once per clip.
    """
    if frames < 2 * config.least + config.pause[1]:
        between = f" with a pause of up to {config.pause[1]} between" if config.pause[1] else ""
        raise ValueError(
            f"'splice' joins two clips of at least {config.least} frames each ('least'){between}, "
            f"but clips have {frames} ('input.frames')."
        )
    for target in targets:
        if target.form not in TOLD_PER_FRAME and not target.per_frame:
            raise ValueError(
                f"'splice' makes clips in which labels change, but task {target.task!r} answers "
                "once per clip. Set its 'per_frame', or leave 'splice' out."
            )


def draw_cuts(way: Splicing, table: SampleTable, pool: Ints, rows: Ints, *, frames: int) -> Cuts:
    """Draw which rows are continued, by which others, and where.

    Args:
        way: see there.
        table: the source's.
        pool: rows that may follow.
        rows: ``[B]`` rows of the batch.
        frames: T.

    Returns:
        What depends on (seed, pass, row) and the pool alone. A row of a person with no other clip
        in the pool stays as it is.
    """
    config, people = way.config, table.subject[pool]
    found: list[tuple[int, ...]] = []
    for entry, (row, number) in enumerate(zip(rows.tolist(), way.passes.tolist(), strict=True)):
        generator = np.random.default_rng([way.seed, number, row, _OF_SPLICES])
        wished, place, cut = generator.random(3)
        others = pool != row
        if config.among == "subject":
            others &= people == table.subject[row]
        candidates = pool[others]
        if wished < config.share and len(candidates):
            pause = int(generator.integers(config.pause[0], config.pause[1] + 1))
            own = config.least + int(cut * (frames - pause - 2 * config.least + 1))
            chosen = int(candidates[int(place * len(candidates))])
            found.append((entry, chosen, number + _FOLLOWING, own, pause))
    columns = np.array(found, np.int64).reshape(-1, 5).T
    names = ("entries", "rows", "passes", "frames", "pauses")
    return Cuts(**dict(zip(names, columns, strict=True)))


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


def splice(first: Batch, second: Batch | None, cuts: Cuts, way: Splicing) -> Batch:
    """Continue some rows of a batch by other clips.

    Args:
        first: ``[B]`` rows, labeled by frame (`frame_labels`).
        second: ``[M]`` clips that follow, likewise; None: nothing follows.
        cuts: M; which of the rows, after how many of their last frames and which pause.
        way: what else there is to know.

    Returns:
        The batch, in which row ``entries[m]`` shows its own last ``frames[m]`` frames, perhaps a
        pause, and then the first frames of clip m. Its `Context` stays that of the first clip:
        crops and times of the second are not told.
    """
    picks = _Picks(first, second, cuts, pauses=way.config.pause[1] > 0)
    inputs, valid, targets = dict(first.inputs), dict(first.valid), dict(first.targets)
    if second is not None:
        for name, x in first.inputs.items():
            inputs[name] = picks.joined(x, second.inputs[name], time_axis(x))
        for name in [n for n in first.inputs if n in first.valid or n in second.valid]:
            shape = (first.valid if name in first.valid else second.valid)[name].shape[1:]
            one, other = (_valid(batch, name, shape) for batch in (first, second))
            valid[name] = picks.joined(one, other, 1) if shape else one
        for name, own in first.targets.items():
            targets[name] = _spliced_target(own, second.targets[name], picks, way.config.blind)
    if picks.still.any():
        for name, x in inputs.items():
            inputs[name] = _trembling(name, x, valid.get(name), first, picks, way)
        for target in way.targets:
            if target.form not in TOLD_PER_FRAME and target.task in targets:
                targets[target.task] = _paused(targets[target.task], picks.still, target.nothing)
    return replace(first, inputs=inputs, valid=valid, targets=targets)


class _Picks:
    """Where both clips of every spliced row go, and which frames of all rows stand still."""

    def __init__(self, first: Batch, second: Batch | None, cuts: Cuts, *, pauses: bool) -> None:
        frames = first.num_frames
        places = torch.arange(frames)
        self.entries = torch.from_numpy(cuts.entries)
        whole = torch.full((len(first),), frames - 1)
        self.last = last_new_frames(first.context.times_s) if pauses else whole
        self.still = places > self.last.unsqueeze(1)  # [B, T]
        self.own: list[Tensor] = []
        self.then: list[Tensor] = []
        ends = [frames - 1] * len(cuts.rows)
        if pauses and second is not None:
            ends = last_new_frames(second.context.times_s).tolist()
        self.after = torch.empty(len(cuts.rows), frames, dtype=torch.long)  # since the second began
        for m, (entry, cut, pause) in enumerate(
            zip(cuts.entries.tolist(), cuts.frames.tolist(), cuts.pauses.tolist(), strict=True)
        ):
            last = int(self.last[entry])
            own = last - cut + 1 + torch.arange(cut + pause // 2)
            then = torch.arange(frames - len(own)) - (pause - pause // 2)
            moves = torch.cat(((own >= 0) & (own <= last), (then >= 0) & (then <= ends[m])))
            self.still[entry] = ~moves
            self.own.append(own.clamp(0, last))
            self.then.append(then.clamp(0, ends[m]))
            self.after[m] = places - cut - pause

    def joined(self, first: Tensor, second: Tensor, dim: int) -> Tensor:
        """Join the clips of both tensors ``[B, .., T, ..]`` and ``[M, .., T, ..]``."""
        out = first.clone()
        for m, entry in enumerate(self.entries.tolist()):
            own = first[entry].index_select(dim - 1, self.own[m])
            then = second[m].index_select(dim - 1, self.then[m])
            out[entry] = torch.cat((own, then), dim - 1)
        return out


def _trembling(
    name: str, shown: Tensor, known: Tensor | None, first: Batch, picks: _Picks, way: Splicing
) -> Tensor:
    """Give frames that stand still the noise of their row's camera.

    It is measured on the whole first clip: where a clip is cut somebody moves.
    """
    out, axis = shown.clone(), time_axis(shown)
    for b in picks.still.any(1).nonzero().flatten().tolist():
        places = picks.still[b].nonzero().flatten()
        seed = [way.seed, int(way.passes[b]), int(first.context.row[b]), _OF_PAUSES]
        drawn = np.random.default_rng(seed)
        generator = torch.Generator().manual_seed(int(drawn.integers(1 << 31)))
        frames = shown[b : b + 1].index_select(axis, places)
        factor = float(np.exp(drawn.uniform(*np.log(way.config.tremble))))
        deviation = factor * _noise(first, name, b, int(picks.last[b]) + 1)
        moved = hold(frames, 1, deviation, generator)
        if known is not None and axis == 1:
            moved = torch.where(_spread(known[b : b + 1, places], moved), moved, frames)
        out[b].index_copy_(axis - 1, places, moved[0])
    return out


def _noise(batch: Batch, name: str, b: int, frames: int) -> float:
    """Return the noise of the first frames of a row's medium."""
    clip, known = batch.inputs[name][b : b + 1], batch.valid.get(name)
    clip = clip.narrow(time_axis(clip), 0, frames)
    if known is not None and time_axis(clip) == 1:
        clip = torch.where(_spread(known[b : b + 1, :frames], clip), clip, torch.nan)
    return camera_noise(clip)


def _spread(known: Tensor, shown: Tensor) -> Tensor:
    """Give a mask of joints, or of channels, the axes of what is shown."""
    return known.view(*known.shape, *(1,) * (shown.ndim - known.ndim))


def _paused(target: Target, still: Tensor, nothing: int) -> Target:
    """Say that nothing happens in frames ``[B, T]``; without such a class, nothing of them."""
    mask, value = _known(target) & ~still, target.value
    if nothing >= 0:
        told = torch.full_like(value, nothing)
        if value.dim() == 3:
            told = torch.eye(value.shape[2], dtype=value.dtype)[nothing].expand_as(value)
        value = torch.where(still if value.dim() == 2 else still.unsqueeze(2), told, value)
        mask = mask | still
    return replace(target, value=value, mask=mask, present=mask.any(1))


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
        part = (picks.after < 0).float().mean(1)
        weight = weight.clone()
        weight[picks.entries] = part * weight[picks.entries] + (1 - part) * then
    return replace(own, value=value, mask=mask, present=present, weight=weight)


def _known(target: Target) -> Tensor:
    """Return what is known of a target, ``[N, T, ..]``; nothing of a row without a label."""
    if target.mask is None:  # joints and labels of frames always have one
        raise ValueError("Expected a target with a mask of its frames (see `frame_labels`).")
    return target.mask & target.present.view(-1, *(1,) * (target.mask.dim() - 1))
