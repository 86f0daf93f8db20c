"""`MultiTask`: an encoder, a way of sharing it, and one head per task, as one `Network`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from onebody.data import Batch
from onebody.models.base import (
    Ask,
    Head,
    Network,
    Outputs,
    Rows,
    Sharing,
    Stage,
    Stem,
    all_rows,
    prefixed,
    scoped,
)
from onebody.models.composites import Composites
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
        self.composites = Composites(self.tasks)
        self.sharing = sharing
        self.heads = nn.ModuleDict(heads)
        self.causal = not self._looking_ahead()

    def forward(
        self, batches: Sequence[Batch], rows: Sequence[Rows] | None = None
    ) -> list[Outputs]:
        """Run a step; see `Network.forward`."""
        if rows is None:
            rows = [all_rows(batch, self.composites.order) for batch in batches]
        return [self._run(b, asked, {})[0] for b, asked in zip(batches, rows, strict=True)]

    def stream(self, frame: Batch, state: State) -> tuple[Outputs, State]:
        """Run on the next frames of a stream; see `Network.stream`."""
        if not self.causal:
            parts = ", ".join(self._looking_ahead())
            raise ValueError(f"This network cannot run on a stream: {parts} looks ahead.")
        return self._run(frame, all_rows(frame, self.composites.order), state)

    def shared(self, tasks: Sequence[str]) -> list[nn.Parameter]:
        """Return the deepest parameters that all these tasks reach; see `Network.shared`."""
        return self.sharing.shared({name: self._ask(name) for name in self.composites.plain(tasks)})

    def representation(self, tasks: Sequence[str]) -> Stage:
        """Return the deepest stage that all outputs come from; see `Network.representation`."""
        return self.sharing.representation({n: self._ask(n) for n in self.composites.plain(tasks)})

    @property
    def passes(self) -> int:
        """How often a training step runs; see `Network.passes`."""
        return self.sharing.passes

    def output_weights(self, task: str, count: int) -> tuple[float, ...]:
        """Return how much each of a task's outputs weighs; its head says so."""
        if task not in self.heads:  # a composite
            return super().output_weights(task, count)
        head: Head = self.heads[task]  # type: ignore[assignment]
        return head.output_weights(count)

    def rates(self) -> dict[str, float]:
        """Return the factors of mixing coefficients; see `Network.rates`."""
        return {f"sharing.{name}": rate for name, rate in self.sharing.rates().items()}

    def before_step(self, score: Callable[[], Tensor], tasks: Sequence[str]) -> None:
        """Prepare a training step."""
        self.sharing.before_step(score, self.composites.plain(tasks))

    def after_backward(self) -> None:
        """Adjust gradients."""
        self.sharing.after_backward()
        for module in self.modules():
            if isinstance(module, Stem):
                module.after_backward()

    def freeze(self) -> None:
        """Fix routes."""
        self.sharing.freeze()

    def _run(self, batch: Batch, asked: Rows, state: State) -> tuple[Outputs, State]:
        """Run one Batch: shared part, heads, composites, then pick the asked rows."""
        asked = self.composites.asked(asked)
        rows = self.composites.with_parts(asked)
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
        return self.composites.finish(outputs, rows, asked), left

    def _ask(self, name: str, rows: Tensor | None = None) -> Ask:
        """Say what a plain task's head wants of the shared part."""
        head: Head = self.heads[name]  # type: ignore[assignment]
        return Ask(stages=head.stages, rows=None if rows is None or bool(rows.all()) else rows)

    def _looking_ahead(self) -> list[str]:
        """Name the parts that need later frames."""
        parts = [] if self.sharing.causal else [self.sharing.lookahead]
        for name, head in self.heads.items():
            if not head.causal:
                parts.append(f"the head of {name!r} (a class head needs a window)")
        return parts
