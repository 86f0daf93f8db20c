"""`MultiTask`: an encoder, a way of sharing it, and one head per task, as one `Network`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from torch import Tensor, nn

from onebody.config import lookup, nearest
from onebody.data import Batch
from onebody.models.asked import pick_rows
from onebody.models.base import (
    Ask,
    Head,
    Network,
    Outputs,
    Rows,
    Sharing,
    Stage,
    all_rows,
    prefixed,
    scoped,
)
from onebody.tasks import Task
from onebody.types import State


class MultiTask(Network):
    """Runs what the asked tasks need, and nothing else.

    Attributes:
        sharing: the shared part.
        heads: one per plain task; composite tasks are made from the outputs of the tasks they read.
    """

    def __init__(
        self, tasks: Mapping[str, Task], sharing: Sharing, heads: Mapping[str, Head]
    ) -> None:
        super().__init__()
        self.tasks = dict(tasks)
        self.order = _order(self.tasks)
        self.composites = tuple(name for name in self.order if self.tasks[name].reads)
        self.sharing = sharing
        self.heads = nn.ModuleDict(heads)
        self.causal = not self._looking_ahead()

    def forward(
        self, batches: Sequence[Batch], rows: Sequence[Rows] | None = None
    ) -> list[Outputs]:
        """Run a step; see `Network.forward`."""
        if rows is None:
            rows = [all_rows(batch, self.order) for batch in batches]
        return [self._run(b, asked, {})[0] for b, asked in zip(batches, rows, strict=True)]

    def stream(self, frame: Batch, state: State) -> tuple[Outputs, State]:
        """Run on the next frames of a stream; see `Network.stream`."""
        if not self.causal:
            parts = ", ".join(self._looking_ahead())
            raise ValueError(f"This network cannot run on a stream: {parts} looks ahead.")
        return self._run(frame, all_rows(frame, self.order), state)

    def shared(self, tasks: Sequence[str]) -> list[nn.Parameter]:
        """Return the deepest parameters that all these tasks reach; see `Network.shared`."""
        return self.sharing.shared({name: self._ask(name) for name in self._plain(tasks)})

    def representation(self, tasks: Sequence[str]) -> Stage:
        """Return the deepest stage that all outputs come from; see `Network.representation`."""
        return self.sharing.representation({n: self._ask(n) for n in self._plain(tasks)})

    @property
    def passes(self) -> int:
        """How often a training step runs; see `Network.passes`."""
        return self.sharing.passes

    def rates(self) -> dict[str, float]:
        """Return the factors of mixing coefficients; see `Network.rates`."""
        return {f"sharing.{name}": rate for name, rate in self.sharing.rates().items()}

    def before_step(self, score: Callable[[], Tensor], tasks: Sequence[str]) -> None:
        """Prepare a training step."""
        self.sharing.before_step(score, self._plain(tasks))

    def after_backward(self) -> None:
        """Adjust gradients."""
        self.sharing.after_backward()

    def freeze(self) -> None:
        """Fix routes."""
        self.sharing.freeze()

    def _run(self, batch: Batch, asked: Rows, state: State) -> tuple[Outputs, State]:
        """Run one Batch: shared part, heads, composites, then pick the asked rows."""
        for name in asked:
            lookup(self.tasks, name, "task")
        asked = {name: asked[name] for name in self.order if name in asked and asked[name].any()}
        rows = self._with_parts(asked)
        asks = {name: self._ask(name, rows[name]) for name in rows if name in self.heads}
        if not asks:
            return {}, {}
        features, kept = self.sharing(batch.inputs, batch.valid, asks, scoped(state, "sharing"))
        left = prefixed(kept, "sharing")
        outputs: Outputs = {}
        for name in asks:
            head, place = self.heads[name], f"heads.{name}"
            outputs[name], kept = head(features[name], batch.num_frames, scoped(state, place))
            left |= prefixed(kept, place)
        for name in self.composites:
            if name in rows:
                outputs[name] = (self._compose(name, outputs, rows),)
        return {n: tuple(pick_rows(o, rows[n], asked[n]) for o in outputs[n]) for n in asked}, left

    def _with_parts(self, asked: Rows) -> dict[str, Tensor]:
        """Add the tasks that asked composites read, for the union of rows."""
        rows = dict(asked)
        for name in reversed(self.composites):  # readers before what they read
            for part in self.tasks[name].reads if name in rows else ():
                rows[part] = rows[part] | rows[name] if part in rows else rows[name]
        return rows

    def _compose(self, name: str, outputs: Outputs, rows: Rows) -> Tensor:
        """Make a composite's output from its parts' final outputs for its rows."""
        task = self.tasks[name]
        return task.compose({p: pick_rows(outputs[p][-1], rows[p], rows[name]) for p in task.reads})

    def _ask(self, name: str, rows: Tensor | None = None) -> Ask:
        """Say what a plain task's head wants of the shared part."""
        head: Head = self.heads[name]  # type: ignore[assignment]
        return Ask(stages=head.stages, rows=None if rows is None or bool(rows.all()) else rows)

    def _plain(self, tasks: Sequence[str]) -> list[str]:
        """Replace composite tasks by the plain tasks that they are made from."""
        plain: dict[str, None] = {}
        for name in tasks:
            reads = lookup(self.tasks, name, "task").reads
            plain |= dict.fromkeys(self._plain(reads) if reads else [name])
        return list(plain)

    def _looking_ahead(self) -> list[str]:
        """Name the parts that need later frames."""
        parts = [] if self.sharing.causal else [self.sharing.lookahead]
        for name, head in self.heads.items():
            if not head.causal:
                parts.append(f"the head of {name!r} (a class head needs a window)")
        return parts


def _order(tasks: Mapping[str, Task]) -> list[str]:
    """Return the tasks' names, each after those that it reads, else as given.

    Raises:
        ValueError: if one reads a task that does not exist, or itself by a detour.
    """
    for name, task in tasks.items():
        for part in task.reads:
            if part not in tasks:
                raise ValueError(f"Task {name!r} reads {part!r}. {nearest(part, tasks)}")
    try:
        return list(TopologicalSorter({n: t.reads for n, t in tasks.items()}).static_order())
    except CycleError as error:
        raise ValueError(
            f"Tasks read each other in a circle: {' -> '.join(error.args[1])}."
        ) from None
