"""`ClassTask`: what all tasks share whose answer is one class per sample, or per frame of it.

Two forms. One answer per clip: logits ``[N, C]``. One per frame: logits ``[N, T, C]``, which learn
at every frame of a clip what the clip is called, so that a stream has an answer at any time; the
answer for a clip is the mean of its frames' probabilities, without those that repeat its last
frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from onebody.data import Context, Target
from onebody.data.pauses import last_new_frames
from onebody.labels import LabelSpace
from onebody.metrics import Metric, Results, class_metrics
from onebody.tasks.base import Task
from onebody.types import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTask(Task):
    """One class per sample: logits ``[N, C]`` or ``[N, T, C]``, cross entropy, softmax.

    Attributes:
        space: the task's classes, and what a mirror makes of them.
        label_smoothing: share of each label that is spread over all classes.
        per_frame: whether every frame has an answer of its own.
    """

    space: LabelSpace
    label_smoothing: float = 0.0
    per_frame: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs."""
        return self.space.classes

    @property
    def form(self) -> Form:
        """One vector per sample, or per frame."""
        return "frames" if self.per_frame else "vector"

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

        Of an answer per frame the mean over a clip's frames, the first few of which weigh less
        (`frame_weights`): they have seen next to nothing.

        Args:
            output: logits ``[N, C]``, or ``[N, T, C]`` where every frame has an answer.
            target: class indices ``[N]`` or probabilities ``[N, C]`` of whole clips. Where every
                frame has an answer they may be of frames, ``[N, T]`` or ``[N, T, C]``, and ``mask``
                ``[N, T]`` may say which frames count.

        Returns:
            ``[N]``, nats; 0 for a clip of which no frame counts.
        """
        value = target.value.float() if target.value.is_floating_point() else target.value
        if not self.per_frame:
            return self.cross_entropy(output.float(), value)
        frames = output.shape[1]
        if value.dim() == 1 + value.is_floating_point():
            value = value.unsqueeze(1).expand(-1, frames, *value.shape[1:])
        weight = frame_weights(frames).to(output.device).expand(len(output), -1)
        logits = output.float()
        if target.mask is None:
            each = self.cross_entropy(logits.flatten(0, 1), value.flatten(0, 1))
        else:  # what a masked frame is labeled is undefined
            weight = torch.where(target.mask, weight, 0.0)
            known = self.cross_entropy(logits[target.mask], value[target.mask])
            each = known.new_zeros(target.mask.shape).masked_scatter(target.mask, known).flatten()
        return (weight * each.view(-1, frames)).sum(1) / weight.sum(1).clamp(min=1e-6)

    def cross_entropy(self, logits: Tensor, value: Tensor) -> Tensor:
        """Compute the loss of single answers.

        Args:
            logits: ``[M, C]``, float32.
            value: class indices ``[M]`` or probabilities ``[M, C]``.

        Returns:
            ``[M]``, nats.
        """
        return functional.cross_entropy(
            logits, value, reduction="none", label_smoothing=self.label_smoothing
        )

    def of_outputs(self, results: Results) -> Results:
        """Return the entries whose label is one of the outputs; of plain classes, all of them."""
        return results

    def frame_scores(self, output: Tensor) -> Tensor:
        """Turn logits into class probabilities of each frame.

        Args:
            output: ``[N, T, C]``, or ``[N, C]`` of a task of one answer per clip.

        Returns:
            ``[N, T, C]``, float32; T = 1 for one answer per clip.
        """
        scores = torch.softmax(output.float(), dim=-1)
        return scores if self.per_frame else scores.unsqueeze(1)

    def decode(self, output: Tensor, context: Context) -> Tensor:
        """Turn logits into class probabilities ``[N, C]``, float32: the mean over the frames.

        Where the context tells times, frames that repeat a clip's last one do not count.
        """
        scores = self.frame_scores(output)
        if scores.shape[1] == 1:  # also every step of a stream
            return scores[:, 0]
        last = last_new_frames(context.times_s).unsqueeze(1)
        new = torch.arange(scores.shape[1], device=last.device) <= last  # [N, T]
        return (scores * new.unsqueeze(2)).sum(1) / new.sum(1, keepdim=True)

    def collect(self, output: Tensor, target: Target, context: Context) -> Results:
        """Put probabilities beside labels (a soft label counts as its likeliest class)."""
        value = target.value
        hard = value.argmax(1) if value.is_floating_point() else value
        return Results(
            prediction=self.decode(output, context).detach().cpu().numpy(),
            target=hard.cpu().numpy().astype(np.int64),
            row=context.row.cpu().numpy(),
        )


_RAMP = 4
"""From this frame of a clip on every frame counts fully."""


def frame_weights(frames: int) -> Tensor:
    """Return ``[T]`` what each frame of a clip weighs in the loss: 1/4, 2/4, 3/4, then 1."""
    return ((torch.arange(frames) + 1.0) / _RAMP).clamp(max=1.0)


def informative_class_metrics(classes: int) -> dict[str, Metric]:
    """Return the class metrics, without top-5 where five classes or fewer make it always 1."""
    return {n: m for n, m in class_metrics().items() if n != "top5" or classes > 5}
