"""`rlw`: random weights, drawn anew at every step. The control that a method should beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor

from onebody.balancing.base import Balancer
from onebody.balancing.checks import as_weights, read_losses, softmax
from onebody.balancing.draws import Draws
from onebody.config import Config


class RLWConfig(Config):
    """Options of random weights.

    Attributes:
        seed: of the draws.
    """

    kind: Literal["rlw"] = "rlw"
    seed: int = 0


class RLW(Balancer):
    """Weighs by the softmax of normal draws. Weights sum to 1.

    Source: Lin, Ye, Zhang, Tsang, "Reasonable Effectiveness of Random Weighting", TMLR 2022.
    """

    def __init__(self, seed: int = 0) -> None:
        self._draws = Draws(seed)

    def weights(self, losses: Tensor, gramian: Tensor | None, names: Sequence[str]) -> Tensor:  # noqa: ARG002
        """Draw the weights of this step."""
        read_losses(losses, names)
        return as_weights(softmax(self._draws.normals(names)), losses)

    def state(self) -> dict[str, Any]:
        """Return the number of draws by task."""
        return self._draws.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._draws.load_state(state)


def build_rlw(config: RLWConfig, *, tasks: Sequence[str] = ()) -> RLW:  # noqa: ARG001
    """Build random weights."""
    return RLW(config.seed)
