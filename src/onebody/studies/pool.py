"""Processes that make one run after the other, and live as long as the study.

They import the package once. A run that fails does not stop the others, a process that is killed
(out of memory, usually) is replaced, and all of them end when the study itself is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import torch

Say = Callable[[str], None]
GivenT = TypeVar("GivenT")
MadeT = TypeVar("MadeT")

MOST_KILLED = 2
"""A run whose process was killed so often is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Work that could not be done.

    Attributes:
        name: of it.
        error: why not.
    """

    name: str
    error: str


class Pool:
    """Does work side by side; with one job, here.

    Attributes:
        jobs: processes.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._processes: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._processes is not None:
            self._processes.shutdown(wait=_error[0] is None, cancel_futures=True)

    def run(
        self,
        work: Callable[[GivenT], MadeT],
        given: Sequence[GivenT],
        *,
        named: Callable[[GivenT], str],
        say: Say,
    ) -> tuple[dict[int, MadeT], list[Failure]]:
        """Do the same work with many things, in their order.

        Args:
            work: a function of a module; it runs in another process.
            given: what it is done with.
            named: how one of these is called, for reports.
            say: told of each that is done, with the time that is left, and of each that failed.

        Returns:
            What was made, by place in ``given``; and what failed.
        """
        state = _State(todo=deque(range(len(given))), say=say)
        while state.todo or state.flying:
            while state.todo and len(state.flying) < self.jobs:
                place = state.todo.popleft()
                state.flying[self._submit(work, given[place])] = place
            for future in wait(state.flying, return_when=FIRST_COMPLETED).done:
                place = state.flying.pop(future)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    state.killed(place, named(given[place]))
                else:
                    state.finished(place, named(given[place]), future, error)
        return state.made, state.failures

    def _submit(self, work: Callable[[GivenT], MadeT], given: GivenT) -> Future[MadeT]:
        """Begin one piece of work."""
        if self.jobs == 1:
            future: Future[MadeT] = Future()
            try:
                future.set_result(work(given))
            except Exception as error:
                future.set_exception(error)
            return future
        if self._processes is not None:
            try:
                return self._processes.submit(work, given)
            except BrokenProcessPool:  # a process was killed since work was last begun
                pass
        self._processes = ProcessPoolExecutor(
            self.jobs,
            multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(threads_of(self.jobs),),
        )
        return self._processes.submit(work, given)


@dataclass(slots=True, kw_only=True)
class _State:
    """How far the work is."""

    todo: deque[int]
    say: Say
    flying: dict[Future[Any], int] = field(default_factory=dict)
    made: dict[int, Any] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    strikes: Counter[int] = field(default_factory=Counter)
    begun: float = field(default_factory=time.perf_counter)

    def finished(
        self, place: int, name: str, future: Future[Any], error: BaseException | None
    ) -> None:
        """Keep what was made, or why it was not."""
        if error is None:
            self.made[place] = future.result()
            self.say(f"[{self._count()}] {name}{self._left()}")
        else:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            self._failed(name, f"{kind}{error}")

    def killed(self, place: int, name: str) -> None:
        """Try once more after a process was killed; any of those at work may be to blame."""
        self.strikes[place] += 1
        if self.strikes[place] < MOST_KILLED:
            self.todo.appendleft(place)
        else:
            self._failed(
                name, f"its process was killed {MOST_KILLED} times (out of memory?). Use fewer jobs"
            )

    def _failed(self, name: str, error: str) -> None:
        """Note a failure, and say so at once."""
        self.failures.append(Failure(name=name, error=error))
        self.say(f"[{self._count()}] {name}: FAILED: {error}")

    def _count(self) -> str:
        """Say how many are done, of how many."""
        done = len(self.made) + len(self.failures)
        return f"{done}/{done + len(self.todo) + len(self.flying)}"

    def _left(self) -> str:
        """Say how long the rest takes at this pace."""
        left = len(self.todo) + len(self.flying)
        pace = (time.perf_counter() - self.begun) / max(1, len(self.made) + len(self.failures))
        return f" (about {duration(left * pace)} left)" if left else ""


def duration(seconds: float) -> str:
    """Return a time as text: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def threads_of(jobs: int) -> int:
    """Return how many processors each of several runs side by side gets."""
    return max(1, (os.cpu_count() or 1) // jobs)


def _begin(threads: int) -> None:
    """Make a process ready: its share of the processors, and an end with its parent."""
    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
