"""`gradvac`: turns gradients towards each other until they agree as they usually do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from onebody.balancing.draws import Draws
from onebody.balancing.gramian import GramianBalancer
from onebody.config import Config

_TINY = 1e-8


class GradVacConfig(Config):
    """Options of the gradient vaccine.

    Attributes:
        beta: share of this step's cosine in the running mean.
        seed: of the order in which a gradient is compared with the others.
    """

    kind: Literal["gradvac"] = "gradvac"
    beta: float = Field(default=0.5, ge=0, le=1)
    seed: int = 0


class GradVac(GramianBalancer):
    """Adds to each gradient what raises its cosine with each other one to that pair's running mean.

    The running means start at 0: at the first step that is gradient surgery. A pair's mean changes
    in steps that hold both tasks. Weights sum to K or more.

    Source: Wang, Tsvetkov, Firat, Cao, "Gradient Vaccine: Investigating and Improving Multi-task
    Optimization in Massively Multilingual Models", ICLR 2021. The whole source is one group of
    parameters here.
    """

    def __init__(self, beta: float = 0.5, seed: int = 0) -> None:
        self._beta = beta
        self._draws = Draws(seed)
        self._means: dict[str, dict[str, float]] = {}

    def solve(self, gramian: Tensor, names: Sequence[str]) -> Tensor:
        """Return the weights of the summed, turned gradients."""
        order = self._draws.together(names)
        total = torch.zeros(len(names), dtype=torch.float64)
        for place in range(len(names)):
            others = [other for other in range(len(names)) if other != place]
            order.shuffle(others)
            total += self._turned(gramian, place, others, names)
        return total

    def _turned(
        self, gramian: Tensor, place: int, others: Sequence[int], names: Sequence[str]
    ) -> Tensor:
        """Return one task's turned gradient as weights of the plain ones."""
        means = self._means.setdefault(names[place], {})
        made = torch.zeros(len(names), dtype=torch.float64)
        made[place] = 1.0
        for other in others:
            products = gramian @ made
            norm = math.sqrt(max(float(made @ products), 0.0))
            size = math.sqrt(float(gramian[other, other]))
            cosine = float(products[other]) / (norm * size + _TINY)
            mean = means.get(names[other], 0.0)
            if cosine < mean:
                sine, usual = _sine(cosine), _sine(mean)
                made[other] += norm * (mean * sine - cosine * usual) / (size * usual + _TINY)
            means[names[other]] = (1 - self._beta) * mean + self._beta * cosine
        return made

    def state(self) -> dict[str, Any]:
        """Return the number of draws by task, and the running cosines by pair."""
        means = {name: dict(others) for name, others in self._means.items()}
        return {"draws": self._draws.state(), "cosines": means}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._draws.load_state(state["draws"])
        self._means = {
            name: {other: float(mean) for other, mean in others.items()}
            for name, others in state["cosines"].items()
        }


def _sine(cosine: float) -> float:
    """Return the sine of an angle between 0 and pi."""
    return math.sqrt(max(1 - cosine**2, 0.0))


def build_gradvac(config: GradVacConfig, *, tasks: Sequence[str] = ()) -> GradVac:  # noqa: ARG001
    """Build the gradient vaccine."""
    return GradVac(config.beta, config.seed)
