"""`ClassTask`: what all tasks share whose answer is one class per sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from onebody.data import Context, Target
from onebody.labels import LabelSpace
from onebody.metrics import Metric, Results, class_metrics
from onebody.tasks.base import Task
from onebody.types import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTask(Task):
    """One class per sample: logits ``[N, C]``, cross entropy, softmax.

    Attributes:
        space: the task's classes, and what a mirror makes of them.
        label_smoothing: share of each label that is spread over all classes.
    """

    space: LabelSpace
    label_smoothing: float = 0.0

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs."""
        return self.space.classes

    @property
    def form(self) -> Form:
        """One vector per sample."""
        return "vector"

    @property
    def num_outputs(self) -> int:
        """Number of classes."""
        return len(self.space)

    @property
    def primary(self) -> str:
        """Accuracy."""
        return "top1"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """All class metrics that can tell two networks apart."""
        return informative_class_metrics(len(self.space))

    def loss(self, output: Tensor, target: Target) -> Tensor:
        """Compute the cross entropy of each sample, from hard or soft labels, in float32.

        Args:
            output: logits ``[N, C]``.
            target: class indices ``[N]`` or probabilities ``[N, C]``.

        Returns:
            ``[N]``, nats.
        """
        value = target.value
        if value.is_floating_point():
            value = value.float()
        return functional.cross_entropy(
            output.float(), value, reduction="none", label_smoothing=self.label_smoothing
        )

    def of_outputs(self, results: Results) -> Results:
        """Return the entries whose label is one of the outputs; of plain classes, all of them."""
        return results

    def decode(self, output: Tensor, context: Context) -> Tensor:  # noqa: ARG002
        """Turn logits into class probabilities ``[N, C]``, float32."""
        return torch.softmax(output.float(), dim=1)

    def collect(self, output: Tensor, target: Target, context: Context) -> Results:
        """Put probabilities beside labels (a soft label counts as its likeliest class)."""
        value = target.value
        hard = value.argmax(1) if value.is_floating_point() else value
        return Results(
            prediction=self.decode(output, context).detach().cpu().numpy(),
            target=hard.cpu().numpy().astype(np.int64),
            row=context.row.cpu().numpy(),
        )


def informative_class_metrics(classes: int) -> dict[str, Metric]:
    """Return the class metrics, without top-5 where five classes or fewer make it always 1."""
    return {n: m for n, m in class_metrics().items() if n != "top5" or classes > 5}
