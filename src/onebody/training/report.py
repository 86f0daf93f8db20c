"""What a training step says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What a step did.

    Attributes:
        losses: mean loss of each task that had a label, over all processes.
        weights: what the balancer made of them.
        samples: rows in the step, over all processes.
        gradient_norm: norm of the whole gradient before clipping; None without clipping.
        cosines: of each pair of tasks' gradients, as ``a-b``, where the balancer took some.
    """

    losses: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    samples: int = 0
    gradient_norm: float | None = None
    cosines: Mapping[str, float] = field(default_factory=dict)
