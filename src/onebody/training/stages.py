"""Stages before the joint training: some tasks alone, some parts left as they are.

Source: SPNet's authors train action heads on a frozen pose network, then everything (TPAMI 2020:
both in alternating steps; CVPR 2018: poses first, and a short joint training at the end).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from onebody.config import Config, lookup
from onebody.training.optimizer import check_part, training_mode, within

if TYPE_CHECKING:
    from onebody.models import Network


class StageConfig(Config):
    """A part of the training, from its start or from the end of the stage before.

    Attributes:
        share: of all steps.
        tasks: the only ones that are taught; empty: all of them.
        freeze: parts of the network that stay as they are, besides those of the optimizer.
    """

    share: float = Field(gt=0.0, le=1.0)
    tasks: tuple[str, ...] = ()
    freeze: tuple[str, ...] = ()


class Stages:
    """What is taught when. A function of the step, so that nothing of it has to be saved.

    Attributes:
        network: that is trained.
    """

    def __init__(
        self,
        stages: Sequence[StageConfig],
        network: Network,
        taught: Sequence[str],
        frozen: tuple[str, ...],
    ) -> None:
        """Check the stages.

        Args:
            stages: in order; what is left after them is joint training.
            network: whose tasks and parts they name.
            taught: all tasks with a loss.
            frozen: parts that never move.

        Raises:
            ValueError: if a task or part does not exist, or shares add up to more than 1.
        """
        self.network = network
        self._stages, self._taught, self._frozen = tuple(stages), tuple(taught), frozen
        total = sum(stage.share for stage in stages)
        if total > 1.0 + 1e-9:
            raise ValueError(f"schedule.stages: shares add up to {total:g}; expected at most 1.")
        for stage in stages:
            for name in stage.tasks:
                lookup(dict.fromkeys(taught), name, "task that is taught, 'schedule.stages':")
            for part in stage.freeze:
                check_part(network, part)
        self._entered: StageConfig | None = None

    def enter(self, step: int, total: int) -> tuple[str, ...]:
        """Make the network ready for a step.

        Args:
            step: its number, from 0.
            total: steps of the whole training.

        Returns:
            The tasks that it teaches.
        """
        stage = self._at(step, total)
        if stage is not self._entered:
            self._entered = stage
            self.training_mode()
        return stage.tasks or self._taught if stage else self._taught

    def training_mode(self) -> None:
        """Put the network into training mode, what is frozen now into evaluation mode."""
        training_mode(self.network, self._frozen + (self._entered.freeze if self._entered else ()))

    def after_backward(self) -> None:
        """Take the gradients of what is frozen away, so that the optimizer leaves it alone."""
        if self._entered is None or not self._entered.freeze:
            return
        for name, parameter in self.network.named_parameters():
            if any(within(name, part) for part in self._entered.freeze):
                parameter.grad = None

    def _at(self, step: int, total: int) -> StageConfig | None:
        """Return the stage that a step lies in; None: all is taught."""
        share = 0.0
        for stage in self._stages:
            share += stage.share
            if step < round(share * total):
                return stage
        return None
