"""`gls`: minimizes the geometric mean of the losses, so that their units do not matter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from torch import Tensor

from onebody.balancing.base import Balancer
from onebody.balancing.checks import as_weights, read_positive
from onebody.config import Config


class GLSConfig(Config):
    """Options of the geometric mean.

    Attributes:
        smallest: what a loss below it counts as, so that one of 0 does not take all the weight.
    """

    kind: Literal["gls"] = "gls"
    smallest: float = Field(default=1e-4, gt=0)


class GLS(Balancer):
    """Weighs by the derivative of the geometric mean of the K present tasks' losses.

        w_k = (prod_i L_i)^(1/K) / (K L_k)

    The weighted losses are all equal, and sum to the geometric mean.

    Source: Chennupati, Sistu, Yogamani, Rawashdeh, "MultiNet++: Multi-Stream Feature Aggregation
    and Geometric Loss Strategy for Multi-Task Learning", CVPR workshops 2019.
    """

    def __init__(self, smallest: float = 1e-4) -> None:
        self._smallest = smallest

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:  # noqa: ARG002
        """Return the derivatives."""
        values = read_positive(losses, names, self._smallest)
        mean = math.exp(math.fsum(map(math.log, values)) / len(values))
        return as_weights([mean / (len(values) * value) for value in values], losses)


def build_gls(config: GLSConfig, *, tasks: Sequence[str] = ()) -> GLS:  # noqa: ARG001
    """Build the geometric mean."""
    return GLS(config.smallest)
