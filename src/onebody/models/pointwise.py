"""Maps over the channels of a Feature, the same at every place and time, whatever its space."""

from __future__ import annotations

from torch import Tensor, nn

from onebody.models.norms import BatchNorm1d
from onebody.types import Feature


class Pointwise(nn.Module):
    """A linear map over channels (a 1x1 convolution of any rank), and a batch norm if asked.

    Channels move to the end, which is a view where a map lies channels-last.
    """

    def __init__(self, inputs: int, outputs: int, *, norm: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=not norm)
        self.norm = BatchNorm1d(outputs) if norm else nn.Identity()

    def forward(self, x: Feature) -> Feature:
        """Map ``[B, C, T, *space]`` to ``[B, C', T, *space]``."""
        y: Tensor = self.linear(x.movedim(1, -1))
        return self.norm(y.flatten(0, -2)).view(y.shape).movedim(-1, 1)
