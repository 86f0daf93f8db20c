"""What each way of sharing costs, measured on a tiny network for any subset of its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onebody.data import InputSpec
from onebody.models.base import Network
from onebody.models.build import MultiTaskConfig, build_network
from onebody.models.cost import Cost, network_cost
from onebody.models.inputs import input_shapes
from onebody.models.light import LightConfig
from onebody.models.registry import SHARINGS
from onebody.tasks import ClassificationConfig, Task, build_tasks

_SPEC = InputSpec(size=32, frames=4)
_ENCODER = LightConfig(width=0.25, keypoints=2, temporal_width=32, dilations=(1,))
_TASKS = ("first", "second", "third")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingCost:
    """What a way of sharing costs with three tasks, as multiples of hard sharing.

    Attributes:
        one: multiplications when one of the tasks is asked for (hard sharing: 1).
        all: the same for all three.
        parameters: of the network.
    """

    one: float
    all: float
    parameters: float


def sharing_costs(kinds: Sequence[str] | None = None) -> dict[str, SharingCost]:
    """Measure ways of sharing, each with its default options and as it is before training.

    Routes that are learned are then all apart, which is the most that they can cost.

    Args:
        kinds: of `SHARINGS`; None: all.
    """
    tasks = build_tasks(
        {name: ClassificationConfig(name=name, classes=("yes", "no")) for name in _TASKS}
    )
    base_one, base_all = _measure("hard", tasks)
    found = {}
    for kind in SHARINGS if kinds is None else kinds:
        one, every = _measure(kind, tasks)
        found[kind] = SharingCost(
            one=one.macs / base_one.macs,
            all=every.macs / base_all.macs,
            parameters=every.parameters / base_all.parameters,
        )
    return found


def _measure(kind: str, tasks: dict[str, Task]) -> tuple[Cost, Cost]:
    """Return the cost of one task and of all of them."""
    config = MultiTaskConfig(encoder=_ENCODER, sharing=SHARINGS[kind].config())
    network: Network = build_network(config, tasks, input_shapes(_SPEC))
    return network_cost(network, _SPEC, _TASKS[:1]), network_cost(network, _SPEC)
