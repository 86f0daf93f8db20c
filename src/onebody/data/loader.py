"""`Source` and `Loader`: mixed training steps, and batches for evaluation.

A step's content depends on the seed and its number alone: not on the number of workers, not on
where training was taken up again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from onebody.data.assemble import assemble
from onebody.data.augment import AugmentConfig
from onebody.data.batch import Batch
from onebody.data.checks import check_request
from onebody.data.flow import is_flow, with_flow
from onebody.data.mix import Deck, Mix, Part, steps_per_epoch
from onebody.data.spec import InputSpec, TargetSpec
from onebody.data.splice import (
    SpliceConfig,
    Splicing,
    check_splice,
    draw_cuts,
    frame_labels,
    splice,
)
from onebody.data.table import SampleTable
from onebody.data.targets import labeled_rows
from onebody.data.views import View
from onebody.data.workers import Job, Made, run_jobs
from onebody.types import Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table, and what is read of it.

    Attributes:
        table: the rows; it has the optical flow of its pictures, too, where that is read.
        spec: what the network reads.
        targets: what it is taught.
        augment: what training varies; None: the test's deterministic sampling.
        change: what a test changes in every row, for tests under stress; None: nothing.
        batch_size: rows of a step (of all processes together).
        weight: share of the steps, where a step has one source only.
        balance: column names: the batch is filled from rows that carry a label in each of these in
            turn, so that a task with few labels is seen. Empty: every row equally often.
        splice: which training clips are made of two; None: none.
    """

    table: SampleTable
    spec: InputSpec
    targets: tuple[TargetSpec, ...]
    augment: AugmentConfig | None = None
    change: AugmentConfig | None = None
    batch_size: int = 16
    weight: float = 1.0
    balance: tuple[str, ...] = ()
    splice: SpliceConfig | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", with_flow(self.table, self.spec))
        for varied in (self.augment, self.change):
            check_request(self.table, self.spec, self.targets, varied)
        if self.splice is not None and self.spec.also:
            raise ValueError(
                f"Source {self.table.name!r}: spliced clips are of one medium, found "
                f"{', '.join(m.modality for m in self.spec.media)}. Leave 'splice' or 'also' out."
            )
        if self.splice is not None and self.splice.pause[1] and is_flow(self.spec.modality):
            raise ValueError(
                f"Source {self.table.name!r}: a pause holds pictures or numbers still, and "
                f"{self.spec.modality!r} is movement. Leave 'splice.pause' out."
            )
        if self.splice is not None:
            check_splice(self.splice, self.spec.frames, self.targets)
        if self.batch_size < 1 or not self.weight > 0:
            raise ValueError(
                f"Source {self.table.name!r}: expected a batch size of at least 1 and a weight "
                f"above 0, found {self.batch_size} and {self.weight}."
            )

    def readable(self) -> Bools:
        """Return ``[N]``: which rows have one of the media or more."""
        media = [self.table.media[medium.modality] != "" for medium in self.spec.media]
        return np.asarray(np.any(media, axis=0))

    def groups(self) -> tuple[Ints, ...]:
        """Return the rows that training draws from: readable and labeled for some target.

        Returns:
            One group of rows, or one for each column of ``balance``.

        Raises:
            ValueError: if there is nothing to draw.
        """
        readable = self.readable()
        masks = {"any target": np.zeros(len(self.table), np.bool_)}
        for target in self.targets:
            masks["any target"] |= labeled_rows(self.table, target)
        if not self.targets:
            masks["any target"][:] = True
        if self.balance:
            masks = {f"column {name!r}": self.table.labeled(name) for name in self.balance}
        for name, mask in masks.items():
            if not (mask & readable).any():
                media = " or ".join(repr(medium.modality) for medium in self.spec.media)
                raise ValueError(
                    f"Source {self.table.name!r}: none of its {len(self.table)} rows has {media} "
                    f"and a label for {name}. Nothing to train on."
                )
        return tuple(np.flatnonzero(mask & readable) for mask in masks.values())


class Loader:
    """Training steps mixed from sources.

    Attributes:
        steps: steps of an epoch.
        dropped: draws of rows that were dropped so far.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        seed: int,
        workers: int = 0,
        on_error: Literal["stop", "skip"] = "stop",
        steps: int | None = None,
        mixing: Literal["every", "one"] = "every",
        temperature: float = 1.0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """Prepare, without reading any medium.

        Args:
            sources: at least one.
            seed: of all draws.
            workers: processes that read ahead; 0: read when asked.
            on_error: ``stop`` at a row that cannot be read, or ``skip`` it: the batch shrinks and
                `failures` says why.
            steps: steps of an epoch; None: see `steps_per_epoch`.
            mixing: a batch of ``every`` source in each step, or of ``one`` drawn by weight.
            temperature: weights are raised to 1 / temperature (higher: more even).
            rank: which process this is.
            world: how many processes divide each step's rows among them.

        Raises:
            ValueError: if the parts do not fit.
        """
        _check(sources, mixing, rank, world, temperature)
        if seed < 0:
            raise ValueError(f"A seed is at least 0, found {seed}.")
        groups = [source.groups() for source in sources]
        sizes = [sum(len(rows) for rows in parts) for parts in groups]
        batch_sizes = tuple(source.batch_size for source in sources)
        self.steps = steps_per_epoch(sizes, batch_sizes, mixing) if steps is None else steps
        if self.steps < 1:
            raise ValueError(f"An epoch needs at least 1 step, found {self.steps}.")
        self._mix = Mix(
            decks=tuple(Deck(groups=g, seed=seed, number=i) for i, g in enumerate(groups)),
            batch_sizes=batch_sizes,
            shares=tuple(source.weight ** (1 / temperature) for source in sources),
            mode=mixing,
            steps=self.steps,
            seed=seed,
        )
        self._sources, self._seed, self._workers = tuple(sources), seed, workers
        self._skip, self._rank, self._world = on_error == "skip", rank, world
        self._failures: dict[str, int] = {}

    @property
    def failures(self) -> list[str]:
        """Rows dropped so far, each with the reason, in the order of their first failure."""
        return list(self._failures)

    @property
    def dropped(self) -> int:
        """How many draws were dropped so far (a row can fail again in each epoch)."""
        return sum(self._failures.values())

    def epoch(self, epoch: int, start: int = 0) -> Iterator[list[Batch]]:
        """Go through an epoch.

        Args:
            epoch: its number, from 0.
            start: first step; a run that was stopped goes on with the step that it missed.

        Yields:
            Steps ``start .. steps - 1``: a list of Batches each.

        Raises:
            ValueError: for a row that cannot be read, or for a step of which no row is left.
        """
        if epoch < 0 or not 0 <= start <= self.steps:
            raise ValueError(f"No step {start} of epoch {epoch}: expected 0 .. {self.steps}.")
        jobs = (self._job(part) for part in self._parts(epoch, start))
        made = run_jobs(jobs, _Maker(self._sources, self._seed, self._skip), self._workers)
        for step in range(start, self.steps):
            batches = [self._take(next(made)) for _ in self._mix.step(epoch, step)]
            left = [batch for batch in batches if batch is not None]
            if not left:
                raise ValueError(
                    f"Step {step} of epoch {epoch}: none of its rows could be read. Last: "
                    f"{self.failures[-1]}"
                )
            yield left

    def _parts(self, epoch: int, start: int) -> Iterator[Part]:
        """List the parts of an epoch's steps."""
        for step in range(start, self.steps):
            yield from self._mix.step(epoch, step)

    def _job(self, part: Part) -> Job:
        """Take this process' rows of a part."""
        mine = slice(self._rank, None, self._world)
        return Job(source=part.source, rows=part.rows[mine], passes=part.passes[mine])

    def _take(self, made: Made) -> Batch | None:
        """Note the failures of a batch."""
        for failure in made.failures:
            self._failures[failure] = self._failures.get(failure, 0) + 1
        return made.batch


class _Maker:
    """Makes the batch of a job; sent to workers once."""

    def __init__(self, sources: tuple[Source, ...], seed: int, skip: bool) -> None:
        self.sources, self.seed, self.skip = sources, seed, skip
        # what may follow in a spliced clip: the rows that are trained on
        self.pools = [np.unique(np.concatenate(s.groups())) if s.splice else None for s in sources]

    def __call__(self, job: Job) -> Made:
        batch, failures = self._assembled(job)
        source, pool = self.sources[job.source], self.pools[job.source]
        if batch is None or source.splice is None or pool is None:
            return Made(batch=batch, failures=failures)
        batch = frame_labels(batch, source.targets)
        left = batch.context.row.numpy()
        way = Splicing(
            config=source.splice,
            targets=source.targets,
            seed=self.seed,
            passes=job.passes[_places(job.rows, left)],
        )
        cuts = draw_cuts(way, source.table, pool, left, frames=batch.num_frames)
        then = None
        if len(cuts.rows):
            then, more = self._assembled(replace(job, rows=cuts.rows, passes=cuts.passes))
            failures = failures + more
            rows = np.zeros(0, np.int64) if then is None else then.context.row.numpy()
            cuts = cuts.select(_places(cuts.rows, rows))
        if then is not None:
            then = frame_labels(then, source.targets)
        return Made(batch=splice(batch, then, cuts, way), failures=failures)

    def _assembled(self, job: Job) -> tuple[Batch | None, list[str]]:
        """Read the rows of a job."""
        source = self.sources[job.source]
        return assemble(
            source.table,
            job.rows,
            source.spec,
            source.targets,
            augment=source.augment if source.change is None else source.change,
            key=(self.seed, 0),
            passes=job.passes,
            clip=job.clip,
            clips=job.clips,
            skip=self.skip,
            as_test=source.change is not None,
            view=job.view,
        )


def _places(rows: Ints, left: Ints) -> Ints:
    """Return where those that could be read stood among the rows asked for, in order."""
    asked = iter(enumerate(rows.tolist()))
    found = [next(place for place, own in asked if own == row) for row in left.tolist()]
    return np.array(found, np.int64)


def evaluation_batches(
    source: Source,
    *,
    clips: int = 1,
    views: Sequence[View] = (View(),),
    workers: int = 0,
    rank: int = 0,
    world: int = 1,
) -> Iterator[Batch]:
    """Go through the readable rows in order, without augmentation, under the source's ``change``.

    Args:
        source: its ``augment`` and ``weight`` are not used.
        clips: test clips of each row. With several, each group of rows comes ``clips`` times in
            succession, once per clip; ``context.row`` tells what belongs together.
        views: looks at each clip. With several, every batch comes once per view in succession, of
            the same frames and labels.
        workers: processes that read ahead.
        rank: which process this is.
        world: how many processes divide the rows (this one takes every ``world``-th).

    Yields:
        Batches of ``source.batch_size`` rows, the last one smaller.

    Raises:
        ValueError: for a row that cannot be read; names row and file.
    """
    plain = Source(
        table=source.table,
        spec=source.spec,
        targets=source.targets,
        change=source.change,
        batch_size=source.batch_size,
    )
    rows = np.flatnonzero(source.readable())[rank::world]
    pieces = [rows[i : i + source.batch_size] for i in range(0, len(rows), source.batch_size)]
    jobs = (
        Job(
            source=0,
            rows=piece,
            passes=np.zeros_like(piece),
            clip=clip,
            clips=clips,
            view=None if view.plain else view,
        )
        for piece in pieces
        for clip in range(clips)
        for view in views
    )
    for made in run_jobs(jobs, _Maker((plain,), 0, False), workers):
        if made.batch is not None:
            yield made.batch


def _check(sources: Sequence[Source], mixing: str, rank: int, world: int, temperature: Any) -> None:
    """Refuse combinations that would divide wrongly or ignore what was asked."""
    if not sources:
        raise ValueError("A loader needs at least one source.")
    if not 0 <= rank < world or not temperature > 0:
        raise ValueError(
            f"Expected a rank below the number of processes and a temperature above 0, found rank "
            f"{rank} of {world}, temperature {temperature}."
        )
    for source in sources:
        if source.batch_size < world:
            raise ValueError(
                f"Source {source.table.name!r}: {source.batch_size} rows of a step cannot be "
                f"divided among {world} processes. Raise batch_size."
            )
        if source.change is not None:
            raise ValueError(
                f"Source {source.table.name!r}: 'change' is for tests; training has 'augment'."
            )
        if mixing == "every" and source.weight != 1.0:
            raise ValueError(
                f"Source {source.table.name!r} has weight {source.weight}, but every step holds a "
                "batch of every source. Set batch_size for its share, or mixing='one'."
            )
