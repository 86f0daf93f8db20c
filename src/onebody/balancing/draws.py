"""Random draws that every process makes alike, and that a resumed training goes on with."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch


class Draws:
    """Draws that depend on a seed, a task's name, and how many steps have held the task.

    Hence neither the order of the tasks nor a task that is absent changes any of them.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: dict[str, int] = {}

    def normals(self, names: Sequence[str]) -> list[float]:
        """Return one draw of a normal distribution for each task."""
        return [random.Random(key).gauss(0.0, 1.0) for key in self._keys(names)]

    def together(self, names: Sequence[str]) -> random.Random:
        """Return a source of draws that concern all the tasks."""
        return random.Random("\n".join(sorted(self._keys(names))))

    def state(self) -> dict[str, Any]:
        """Return the counts by task."""
        return dict(self._counts)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._counts = {name: int(count) for name, count in state.items()}

    def _keys(self, names: Sequence[str]) -> list[str]:
        """Count a step, and return what each task's draws are made from."""
        for name in names:
            self._counts[name] = self._counts.get(name, 0) + 1
        return [f"{self._seed} {self._counts[name]} {name}" for name in names]


@contextmanager
def seeded(source: random.Random) -> Iterator[None]:
    """Let torch draw on the CPU from this source, and then go on as if it had not."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(source.getrandbits(63))
        yield
