"""Sharing by one trunk per task, whose Features are exchanged after every stage but the last.

What an exchange is, a method says (`onebody.models.cross_stitch`, `onebody.models.nddr`). There is
none after the stem, and none after the last stage: that stage's Feature would serve its own head
only, so the last stage runs for the rows of its own task alone. Heads read what has been exchanged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor, nn

from onebody.models.asked import (
    common_depth,
    last_layers,
    pick_rows,
    run_depth,
    take_rows,
    trainable_or_refuse,
)
from onebody.models.base import Ask, Encoder, Features, Sharing, StageInfo, prefixed, scoped
from onebody.models.seeds import drawn_for
from onebody.types import Feature, State


class Mixer(nn.Module, ABC):
    """Makes one task's Feature from those of all trunks, which have equal shapes."""

    @abstractmethod
    def forward(self, features: Sequence[Feature]) -> Feature:
        """Map Features ``[B, C, T, *space]``, one per trunk in the order of tasks, to one."""


class TrunkSharing(Sharing):
    """Runs every trunk on the union of rows as deep as Features are exchanged.

    Args:
        trunks: by task, of equal shape.
        make_mixer: makes the mixer after a stage for the trunk of a number.
        rate: factor on the learning rate of the mixers.
    """

    def __init__(
        self,
        trunks: Mapping[str, Encoder],
        make_mixer: Callable[[StageInfo, int], Mixer],
        *,
        rate: float,
    ) -> None:
        super().__init__()
        first = next(iter(trunks.values()))
        self.info = first.info
        self.causal = first.causal
        self.trunks = nn.ModuleDict(trunks)
        # One task has nobody to exchange with.
        count = len(self.info) - 1 if len(trunks) > 1 else 0
        self.mixers = nn.ModuleList(
            nn.ModuleDict({task: make_mixer(info, i) for i, task in enumerate(trunks)})
            for info in self.info[:count]
        )
        self._rate = rate

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        asks: Mapping[str, Ask],
        state: State,
    ) -> tuple[Features, State]:
        """Return each task's Features; see `Sharing`."""
        rows, inputs, valid = take_rows(inputs, valid, asks, state)
        depth = run_depth(asks)
        exchanges = min(depth, len(self.mixers))
        running = self._running(asks, 0, exchanges)
        have = dict.fromkeys(running, rows)
        features: Features = {task: {} for task in asks}
        x: dict[str, Feature] = {}
        left: State = {}
        for task in running:
            name = f"trunks.{task}.stem"
            x[task], kept = self._trunk(task).stem(inputs, valid, scoped(state, name))
            left |= prefixed(kept, name)
        for number in range(depth):
            running = self._running(asks, number, exchanges)
            if number >= exchanges:  # from here on a trunk serves its own task only
                x = {t: pick_rows(x[t], have[t], asks[t].rows) for t in running}
                have = {t: asks[t].rows for t in running}
            for task in running:
                name = f"trunks.{task}.stages.{number}"
                x[task], kept = self._trunk(task).stages[number](x[task], scoped(state, name))
                left |= prefixed(kept, name)
            if number < exchanges:
                every = list(x.values())
                wanted = self._running(asks, number, exchanges - 1)
                x = {task: self.mixers[number][task](every) for task in wanted}  # type: ignore[index]
            for task, ask in asks.items():
                if number in ask.stages:
                    features[task][number] = pick_rows(x[task], have[task], ask.rows)
        return features, left

    def shared(self, asks: Mapping[str, Ask]) -> list[nn.Parameter]:
        """Return the last layers that all asked tasks pass: of all trunks, and no mixers.

        The last mixer has a part for each task, so that its gradients have nothing in common.
        """
        levels = [self._parts(asks, number) for number in range(common_depth(asks), -2, -1)]
        return trainable_or_refuse(last_layers(levels), asks)

    def trim(self, stages: Mapping[str, Sequence[int]]) -> None:
        """Drop the stages of each trunk that reach neither its own head nor a mixer in use."""
        deepest = 1 + max(max(read) for read in stages.values())
        used = min(deepest, len(self.mixers))
        del self.mixers[used:]
        for task, read in stages.items():
            own = 1 + max(read)
            del self._trunk(task).stages[max(own, used) :]
            if used and own < used:  # nobody reads what this trunk would be given last
                del self.mixers[used - 1][task]  # type: ignore[operator]

    def rates(self) -> dict[str, float]:
        """Return the factor of the mixers."""
        return {"mixers": self._rate} if len(self.mixers) else {}

    def _running(self, asks: Mapping[str, Ask], number: int, exchanges: int) -> list[str]:
        """Return whose trunks run at a stage: all before an exchange, then the asked ones."""
        if number < exchanges:
            return list(self.trunks)
        return [task for task in self.trunks if task in asks and max(asks[task].stages) >= number]

    def _parts(self, asks: Mapping[str, Ask], number: int) -> list[nn.Module]:
        """Return the modules of one stage (-1: the stem) that all asked tasks pass."""
        mixed = 0 < len(self.mixers) > number
        trunks: Iterable[str] = self.trunks if mixed else asks if len(asks) == 1 else ()
        parts = [self._trunk(task) for task in trunks]
        return [part.stem if number < 0 else part.stages[number] for part in parts]

    def _trunk(self, task: str) -> Encoder:
        """Return a task's trunk."""
        trunk: Encoder = self.trunks[task]  # type: ignore[assignment]
        return trunk


def make_trunks(
    make_encoder: Callable[[], Encoder], tasks: Sequence[str], *, same: bool
) -> dict[str, Encoder]:
    """Make one encoder per task.

    Args:
        make_encoder: makes a new copy.
        tasks: names.
        same: all start from the weights of hard sharing's encoder; else from weights that depend
            on the seed and the task's name.
    """
    trunks: dict[str, Encoder] = {}
    for task in tasks:
        with drawn_for("" if same else task):
            trunks[task] = make_encoder()
    return trunks


def starting_share(own: bool, same: float, tasks: int) -> float:
    """Return how much of a trunk a task begins with: its own, or each of the others."""
    return same if own else (1.0 - same) / (tasks - 1)
