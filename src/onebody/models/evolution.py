"""Natural evolution strategies on categorical distributions, which need losses but no gradient.

Source: Wierstra et al., "Natural Evolution Strategies", JMLR 2014; for routes of shared weights
Prellberg and Kramer, "Learned Weight Sharing for Deep Multi-Task Learning by Natural Evolution
Strategy and Stochastic Gradient Descent", IJCNN 2020 (https://arxiv.org/abs/2003.10159).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def draw(table: Tensor) -> Tensor:
    """Draw one choice from every distribution of a table, from the CPU's generator.

    Args:
        table: ``[..., K]``, rows sum to 1.

    Returns:
        ``[...]`` long, on the CPU.
    """
    flat = table.detach().cpu().flatten(0, -2)
    return torch.multinomial(flat, 1).view(table.shape[:-1])


def utilities(losses: Tensor) -> Tensor:
    """Return ``[S]`` utilities, linear in the rank: -1 for the greatest loss, 1 for the least.

    Ranks make the step independent of the losses' scale. Equal losses share their ranks' mean, so
    that draws that make no difference pull in no direction.
    """
    worse = (losses.unsqueeze(0) > losses.unsqueeze(1)).sum(1)
    same = (losses.unsqueeze(0) == losses.unsqueeze(1)).sum(1) - 1
    return 2.0 * (worse + 0.5 * same) / (len(losses) - 1) - 1.0


def evolve(
    table: Tensor, choices: Tensor, losses: Tensor, *, rate: float, smallest: float
) -> Tensor:
    """Return a table of distributions after one step towards choices of little loss.

    The natural gradient of a categorical's log-probability at the choice m is onehot(m) - p.

    Args:
        table: ``[..., K]``, rows sum to 1.
        choices: ``[S, ...]`` long: S draws from it.
        losses: ``[S]``, S at least 2.
        rate: length of the step.
        smallest: no probability falls below it (before rows are made to sum to 1 again).
    """
    utility = utilities(losses.to(table)).view(-1, *(1,) * table.dim())
    directions = F.one_hot(choices.to(table.device), table.shape[-1]) - table
    moved = (table + rate * (utility * directions).mean(0)).clamp(min=smallest)
    return moved / moved.sum(-1, keepdim=True)
