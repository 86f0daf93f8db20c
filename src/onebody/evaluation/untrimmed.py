"""Untrimmed streams made of clips: one person's clips in a row, with idle between.

Single clips say nothing of when something begins. Held-out clips of one person are put in a seeded
order, whole, at the network's frame rate. Between two of them nothing happens for a while: where
the set has clips of people who do nothing, one of these is shown, and sometimes a second time, its
frames in opposite order, so that nobody jumps; else the last frame of the clip before, then the
first frame of the next one are held, with the camera's noise. That is a person who stands still; it
is easier than a person who fidgets, and the cut between the two frames is one that no camera makes.

Pictures are shown as ``[1, C, n, S, S]``, skeletons as ``[1, n, J, D]``, NaN where a joint is not
known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from onebody.config import Config
from onebody.data import SampleTable, Source
from onebody.data.assemble import make_batch
from onebody.data.flow import flow_along, is_flow, pictured
from onebody.data.pauses import camera_noise, hold, time_axis
from onebody.data.reading import channels_of
from onebody.data.sources import frame_span, probe
from onebody.data.targets import class_labels, is_served, made_labels
from onebody.evaluation.movement_onset import movement_onset
from onebody.labels import UNLABELED
from onebody.metrics.events import Segment
from onebody.tasks import Task, WhichTask
from onebody.tasks.classes import ClassTask
from onebody.types import Bools, Ints


class UntrimmedConfig(Config):
    """How streams are made.

    Attributes:
        minutes: length of all streams together, at least; they end with a whole clip. Where there
            are too few clips they come round again, in another order. None: every clip once.
        gap_s: least and greatest length of held frames between two clips, in seconds. A clip of
            people who do nothing is shown whole, half of the time also backward after that.
        seed: of orders, gaps and noise.
    """

    minutes: float | None = Field(10.0, gt=0.0)
    gap_s: tuple[float, float] = (1.0, 4.0)
    seed: int = Field(0, ge=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Frames of one row, or one frame of it held.

    Attributes:
        row: of the source's table.
        frames: how many frames are shown.
        label: class; `UNLABELED`: nothing happens.
        held: ``first`` or ``last``: this frame of the row is held; empty: the whole row.
        backward: the whole row is shown from its end to its beginning.
    """

    row: int
    frames: int
    label: int = UNLABELED
    held: Literal["", "first", "last"] = ""
    backward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Untrimmed:
    """A stream of one person.

    Attributes:
        source: whose rows it shows.
        pieces: in order.
        rate: frames per second.
        seed: of the noise of held frames.
    """

    source: Source
    pieces: tuple[Piece, ...]
    rate: float
    seed: tuple[int, ...]

    @property
    def num_frames(self) -> int:
        """Frames of the stream."""
        return sum(piece.frames for piece in self.pieces)

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.rate

    def truth(self, classes: Sequence[str]) -> list[Segment]:
        """Return what happens when, and where joints are known when somebody moves in it."""
        made = []
        end = 0
        for piece in self.pieces:
            start, end = end, end + piece.frames
            if piece.label != UNLABELED:
                fps = own_fps(self.source.table, piece.row, self.source.spec.modality)
                begin = start / self.rate
                made.append(
                    Segment(
                        label=classes[piece.label],
                        start_s=begin,
                        end_s=end / self.rate,
                        moves_s=begin + movement_onset(self.source, piece.row, fps),
                    )
                )
        return made

    def frames(self) -> Iterator[Tensor]:
        """Yield the pieces' frames, prepared as in a test, in order.

        Optical flow is that of the whole stream: at a cut all moves that differs. A skeleton is
        centered and scaled as its whole clip is.
        """
        pieces = self._shown()
        return flow_along(pieces) if is_flow(self.source.spec.modality) else pieces

    def _shown(self) -> Iterator[Tensor]:
        """Yield the pieces' pictures or skeletons."""
        number = int(np.random.default_rng(self.seed).integers(1 << 31))
        generator = torch.Generator().manual_seed(number)
        kept: dict[int, Tensor] = {}
        for piece in self.pieces:
            if piece.row not in kept:
                kept = dict(list(kept.items())[-1:])  # the clip before, and this one
                kept[piece.row] = _read(self.source, piece, self.rate)
            clip = kept[piece.row]
            if not piece.held:
                yield clip.flip(time_axis(clip)) if piece.backward else clip
                continue
            place = 0 if piece.held == "first" else clip.shape[time_axis(clip)] - 1
            still = clip.narrow(time_axis(clip), place, 1)
            yield hold(still, piece.frames, camera_noise(clip), generator)


def plan_streams(
    source: Source,
    task: ClassTask,
    tasks: Mapping[str, Task],
    rate: float,
    config: UntrimmedConfig,
) -> list[Untrimmed]:
    """Put the clips of a source that a class task knows in a row, person by person.

    Args:
        source: rows of one split.
        task: says what happens in a row.
        tasks: all of the network; a router's "none" says in which rows nothing happens.
        rate: frames per second of the streams.
        config: how.

    Returns:
        One stream or more; none where the source has no clip of the task.

    Raises:
        ValueError: if it has neither pictures nor skeletons, or a medium has no clock.
    """
    modality = source.spec.modality
    shown = channels_of(modality) is not None or source.spec.reads_skeletons
    if not shown or source.spec.also:
        raise ValueError(
            f"Streams are made of clips of one medium, pictures or skeletons, found {modality!r}"
            f"{' and further media' if shown else ''}. Take a network of such."
        )
    labels, idle = _happening(source, task, tasks)
    clips = np.flatnonzero((labels != UNLABELED) & ~idle & source.readable())
    quiet = np.flatnonzero(idle & source.readable())
    people = source.table.subject
    names = np.unique(people[clips])
    limit = np.inf if config.minutes is None else config.minutes * 60 * rate
    streams: list[Untrimmed] = []
    total = 0
    for again in count() if len(clips) else ():
        for place in np.random.default_rng([config.seed, again]).permutation(len(names)):
            seed = (config.seed, again, int(place))
            own = clips[people[clips] == names[place]]
            still = quiet[people[quiet] == names[place]]
            pieces: list[Piece] = []
            plan = _Plan(source.table, modality, rate, config.gap_s, np.random.default_rng(seed))
            for row in plan.generator.permutation(own).tolist():
                if total + sum(piece.frames for piece in pieces) >= limit:
                    break
                pieces += plan.gap(pieces, row, still if len(still) else quiet)
                pieces.append(plan.clip(row, int(labels[row])))
            if pieces:
                pieces += plan.gap(pieces, None, still if len(still) else quiet)
                stream = Untrimmed(source=source, pieces=tuple(pieces), rate=rate, seed=seed)
                streams.append(stream)
                total += stream.num_frames
        if config.minutes is None or total >= limit:
            break
    return streams


@dataclass(frozen=True, slots=True)
class _Plan:
    """How long pieces are, and what lies between clips."""

    table: SampleTable
    modality: str
    rate: float
    gap_s: tuple[float, float]
    generator: np.random.Generator

    def clip(self, row: int, label: int = UNLABELED, *, backward: bool = False) -> Piece:
        """Return a whole row."""
        frames, _ = row_frames(self.table, row, self.modality, self.rate)
        return Piece(row=row, frames=frames, label=label, backward=backward)

    def gap(self, before: Sequence[Piece], row: int | None, quiet: Ints) -> list[Piece]:
        """Return what is shown before the clip of a row (None: after the last one)."""
        if len(quiet):
            idle = int(self.generator.choice(quiet))
            ways = (False, True)[: int(self.generator.integers(1, 3))]
            return [self.clip(idle, backward=backward) for backward in ways]
        frames = max(2, round(float(self.generator.uniform(*self.gap_s)) * self.rate))
        half = frames // 2 if before and row is not None else frames
        made = []
        if before:
            made.append(Piece(row=before[-1].row, frames=half, held="last"))
        if row is not None:
            shown = frames - half if before else frames
            made.append(Piece(row=row, frames=shown, held="first"))
        return made


def row_frames(table: SampleTable, row: int, modality: str, rate: float) -> tuple[int, int]:
    """Return how many frames of a row a stream shows, and every how many-th of the medium.

    Raises:
        ValueError: if nobody knows how fast the medium runs; names the row.
    """
    source, fps = str(table.media[modality][row]), float(table.rate(modality)[row])
    own = own_fps(table, row, modality)
    first, stop = frame_span(source, float(table.start_s[row]), float(table.end_s[row]), fps=fps)
    stride = max(1, round(own / rate))
    return -(-(stop - first) // stride), stride


def own_fps(table: SampleTable, row: int, modality: str) -> float:
    """Return the frames per second of a row's medium.

    Raises:
        ValueError: if nobody knows; names the row.
    """
    source, fps = str(table.media[modality][row]), float(table.rate(modality)[row])
    own = fps if np.isfinite(fps) else probe(source).fps
    if not (np.isfinite(own) and own > 0):
        raise ValueError(
            f"{table.row_names[row]}: a stream needs the frame rate of {source}, found none. State "
            "'fps' in the table."
        )
    return float(own)


def _read(source: Source, piece: Piece, rate: float) -> Tensor:
    """Read the whole row that a piece is of, prepared as in a test."""
    modality = pictured(source.spec.modality)
    frames, stride = row_frames(source.table, piece.row, modality, rate)
    spec = source.spec.model_copy(
        update={"modality": modality, "frames": frames, "sampling": "dense", "stride": stride}
    )
    batch = make_batch(source.table, [piece.row], spec, (), augment=None)
    values, known = batch.inputs[modality], batch.valid.get(modality)
    if known is None or values.ndim == 5:
        return values
    return torch.where(known.unsqueeze(-1), values, torch.nan)


def _happening(source: Source, task: ClassTask, tasks: Mapping[str, Task]) -> tuple[Ints, Bools]:
    """Return ``[N]`` classes of a task (`UNLABELED`: none), and ``[N]`` bool: nothing happens."""
    table = source.table
    rows = np.arange(len(table), dtype=np.int64)
    targets = {target.task: target for target in source.targets}
    labels = {
        name: class_labels(table, rows, target)
        for name, target in targets.items()
        if target.form == "class" and is_served(table, target)
    }
    idle = np.zeros(len(table), np.bool_)
    for name, other in tasks.items():
        if isinstance(other, WhichTask) and len(other.classes) > len(other.of) and name in labels:
            idle |= labels[name] == len(other.of)
    nobody = np.full(len(table), UNLABELED, np.int64)
    own = labels.get(task.name, nobody)
    target = targets.get(task.name)
    if target is not None and any(part in labels for part in target.made_of):
        own = made_labels(target, labels, [str(name) for name in table.row_names])
    if target is not None and target.nothing >= 0:
        idle |= own == target.nothing
    return own, idle
