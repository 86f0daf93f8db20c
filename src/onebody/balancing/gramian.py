"""What the balancers have in common that are functions of the gradients' inner products."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from onebody.balancing.base import Balancer
from onebody.balancing.checks import read_gramian, read_losses


class GramianBalancer(Balancer):
    """Solves a small problem on the matrix of inner products.

    The matrix is brought into a common form first: float64, tasks by name, the greatest gradient
    of length 1 (all these methods answer alike if every gradient is scaled by the same number). A
    task whose gradient is exactly 0 is taken out, since several methods would give it all the
    weight and stop; it weighs 1, so that what it does not share goes on learning.
    """

    needs_gramian = True

    @abstractmethod
    def solve(self, gramian: Tensor, names: Sequence[str]) -> Tensor:
        """Return the weights of some tasks.

        Args:
            gramian: ``[K, K]`` float64 on the CPU; its diagonal is in (0, 1].
            names: the K tasks' names, sorted.
        """

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:
        """Return the weights of this step's losses; see `Balancer.weights`."""
        read_losses(losses, names)
        matrix = read_gramian(gramian, names)
        norms = matrix.diagonal()
        kept = [place for place in range(len(names)) if norms[place] > 0]
        found = torch.ones(len(names), dtype=torch.float64)
        if kept:
            kept.sort(key=lambda place: names[place])
            part = matrix[kept][:, kept] / norms.max()
            found[kept] = self.solve(part, [names[place] for place in kept])
        return found.to(losses)
