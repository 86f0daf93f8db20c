"""`pcgrad`, `mgda`, `upgrad`, `aligned-mtl`, `imtl-g`: TorchJD's functions of a Gramian.

The only file that knows TorchJD. It is imported when one of these balancers is built, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from onebody.balancing.draws import Draws, seeded
from onebody.balancing.gramian import GramianBalancer
from onebody.config import Config


class PCGradConfig(Config):
    """Options of gradient surgery.

    Attributes:
        seed: of the order in which a gradient is projected on the others.
    """

    kind: Literal["pcgrad"] = "pcgrad"
    seed: int = 0


class MGDAConfig(Config):
    """Options of the shortest convex combination of gradients.

    Attributes:
        iterations: most steps of the solver (Frank-Wolfe).
        tolerance: it stops at a step shorter than this.
    """

    kind: Literal["mgda"] = "mgda"
    iterations: int = Field(default=100, ge=1)
    tolerance: float = Field(default=1e-3, gt=0)


class UPGradConfig(Config):
    """Unconflicting projection has no options."""

    kind: Literal["upgrad"] = "upgrad"


class AlignedMTLConfig(Config):
    """Options of aligned principal components.

    Attributes:
        scale: which eigenvalue all are set to.
    """

    kind: Literal["aligned-mtl"] = "aligned-mtl"
    scale: Literal["min", "median", "rmse"] = "min"


class IMTLGConfig(Config):
    """Equal projections have no options."""

    kind: Literal["imtl-g"] = "imtl-g"


class TorchJDBalancer(GramianBalancer):
    """Hands the Gramian to one of TorchJD's weightings."""

    def __init__(self, weighting: Callable[[Tensor], Tensor]) -> None:
        self._weighting = weighting

    def solve(self, gramian: Tensor, names: Sequence[str]) -> Tensor:  # noqa: ARG002
        """Return the weighting's weights."""
        return self._weighting(gramian)


class PCGrad(TorchJDBalancer):
    """Takes from each gradient what points against another one; the weights sum to K or more.

    The order of the others is random, the same on every process.

    Source: Yu, Kumar, Gupta, Levine, Hausman, Finn, "Gradient Surgery for Multi-Task Learning",
    NeurIPS 2020.
    """

    def __init__(self, weighting: Callable[[Tensor], Tensor], seed: int = 0) -> None:
        super().__init__(weighting)
        self._draws = Draws(seed)

    def solve(self, gramian: Tensor, names: Sequence[str]) -> Tensor:
        """Return the weights of the summed projected gradients."""
        with seeded(self._draws.together(names)):
            return super().solve(gramian, names)

    def state(self) -> dict[str, Any]:
        """Return the number of draws by task."""
        return self._draws.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._draws.load_state(state)


def build_pcgrad(config: PCGradConfig, *, tasks: Sequence[str] = ()) -> PCGrad:  # noqa: ARG001
    """Build gradient surgery."""
    from torchjd.aggregation import PCGradWeighting

    return PCGrad(PCGradWeighting(), config.seed)


def build_mgda(config: MGDAConfig, *, tasks: Sequence[str] = ()) -> TorchJDBalancer:  # noqa: ARG001
    """Build the multiple-gradient descent algorithm; the weights sum to 1.

    Source: Sener, Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018.
    """
    from torchjd.aggregation import MGDAWeighting

    return TorchJDBalancer(MGDAWeighting(config.tolerance, config.iterations))


def build_upgrad(config: UPGradConfig, *, tasks: Sequence[str] = ()) -> TorchJDBalancer:  # noqa: ARG001
    """Build unconflicting projection of gradients; the weights sum to 1 or more.

    Source: Quinton, Rey, "Jacobian Descent for Multi-Objective Optimization", arXiv 2406.16232.
    """
    from torchjd.aggregation import UPGradWeighting

    return TorchJDBalancer(UPGradWeighting())


def build_aligned_mtl(
    config: AlignedMTLConfig,
    *,
    tasks: Sequence[str] = (),  # noqa: ARG001
) -> TorchJDBalancer:
    """Build independent component alignment of the gradients' mean; weights may be negative.

    Source: Senushkin, Patakin, Kuznetsov, Konushin, "Independent Component Alignment for Multi-Task
    Learning", CVPR 2023.
    """
    from torchjd.aggregation import AlignedMTLWeighting

    return TorchJDBalancer(AlignedMTLWeighting(scale_mode=config.scale))


def build_imtl_g(config: IMTLGConfig, *, tasks: Sequence[str] = ()) -> TorchJDBalancer:  # noqa: ARG001
    """Build the direction of equal projection on all gradients; weights sum to 1, some below 0.

    Source: Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang, "Towards Impartial Multi-Task Learning",
    ICLR 2021.
    """
    from torchjd.aggregation import IMTLGWeighting

    return TorchJDBalancer(IMTLGWeighting())
