"""How long a training is and how its learning rate runs: a warm-up, then half a cosine or steps.

Source: the cosine is SGDR's (https://arxiv.org/abs/1608.03983) without restarts, the linear
warm-up that of https://arxiv.org/abs/1706.02677.
"""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from onebody.config import Config
from onebody.training.stages import StageConfig


class ScheduleConfig(Config):
    """How long to train and how the learning rate runs.

    Attributes:
        epochs: passes over the data; not together with ``steps``.
        steps: optimizer steps; not together with ``epochs``. Use it to give runs on different
            amounts of data the same number of steps.
        warmup: share of all steps in which the rate rises linearly to its full value.
        floor: share of the full rate that is left at the end; 1 keeps the rate constant.
        milestones: shares of all steps at which the rate is multiplied by ``gamma``, in the place
            of the cosine; ascending.
        gamma: factor at each milestone.
        stages: what comes before the joint training (see `StageConfig`), in order.
    """

    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1)
    warmup: float = Field(0.05, ge=0.0, lt=1.0)
    floor: float = Field(0.0, ge=0.0, le=1.0)
    milestones: tuple[float, ...] = ()
    gamma: float = Field(0.1, gt=0.0, lt=1.0)
    stages: tuple[StageConfig, ...] = ()

    @model_validator(mode="after")
    def _one_length(self) -> ScheduleConfig:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                "give either 'epochs' or 'steps' (null takes one out), found "
                f"epochs = {self.epochs}, steps = {self.steps}"
            )
        ends = self.milestones
        if list(ends) != sorted(set(ends)) or any(not 0 < end < 1 for end in ends):
            raise ValueError(f"'milestones' must ascend between 0 and 1, found {list(ends)}")
        return self

    def total_steps(self, steps_per_epoch: int) -> int:
        """Return the number of optimizer steps of the whole training."""
        return self.steps if self.steps is not None else (self.epochs or 0) * steps_per_epoch


def rate_factor(step: int, total: int, config: ScheduleConfig) -> float:
    """Return the share of the full learning rate that a step trains with.

    A function of the step alone, so that nothing of it has to be saved.

    Args:
        step: 0 for the first step.
        total: steps of the whole training.
        config: warm-up and floor.

    Returns:
        A factor in (0, 1]: the first step of a warm-up is above 0, the step after the warm-up is
        1, and the last of a cosine is above ``floor`` by one step's share.
    """
    warmup = round(config.warmup * total)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if config.milestones:
        passed = sum(step >= round(share * total) for share in config.milestones)
        return max(config.floor, config.gamma**passed)
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return config.floor + (1.0 - config.floor) * 0.5 * (1.0 + math.cos(math.pi * progress))
