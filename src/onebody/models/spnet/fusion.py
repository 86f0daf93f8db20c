"""Several answers of one clip made one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Fusion: TypeAlias = Literal["best", "average", "product"]


def fused(logits: Sequence[Tensor], fusion: Fusion) -> Tensor:
    """Join the answers of several predictions.

    Source: the SPNet paper averages probabilities, its authors' code multiplies them.

    Args:
        logits: ``[N, C]`` each.
        fusion: ``average`` or ``product`` of the probabilities.

    Returns:
        ``[N, C]`` logits (log-probabilities) of the joint answer.
    """
    logs = torch.stack([part.float().log_softmax(-1) for part in logits])
    if fusion == "product":
        return logs.sum(0).log_softmax(-1)
    return logs.logsumexp(0).log_softmax(-1)
