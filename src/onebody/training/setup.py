"""From a recipe to everything that a training holds: tables, tasks, network, optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from onebody.balancing import BALANCERS, Balancer
from onebody.config import Config, build, lookup
from onebody.data import Batch, Loader, Source
from onebody.data.targets import labeled_rows
from onebody.models import Network, build_network, initialize, input_shapes, load_network
from onebody.tasks import Task, taught
from onebody.training.distributed import World, distributed
from onebody.training.ema import WeightAverage
from onebody.training.gradients import Gradients, build_gradients
from onebody.training.optimizer import build_optimizer
from onebody.training.recipe import Recipe
from onebody.training.sources import build_sources
from onebody.training.stages import Stages
from onebody.training.teachers import with_pseudo_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a training holds.

    Attributes:
        recipe: what it was made from.
        resolved: the tasks' configs, with classes and skeletons filled in from the data.
        sources: by split (``train``, ``validation``, ``test``); a split may have none.
        rows: labeled rows by split, and ``unlabeled``: rows without a label of the recipe's tasks.
        loader: of the training steps.
        network: what is trained.
        model: the same, wrapped where several processes train it.
        optimizer: what moves it.
        stages: which tasks are taught when.
        balancer: what weighs the losses.
        gradients: what the balancer works from besides the losses; None: nothing.
        average: running average of the weights, if the recipe has one.
        device: where it is trained.
        world: which processes train it.
        loaded: what became of the arrays of ``train.init``, in words.
    """

    recipe: Recipe
    resolved: dict[str, Config]
    sources: dict[str, list[Source]]
    rows: dict[str, int]
    loader: Loader
    network: Network
    model: nn.Module
    optimizer: torch.optim.Optimizer
    stages: Stages
    balancer: Balancer
    gradients: Gradients | None
    average: WeightAverage | None
    device: torch.device
    world: World
    loaded: list[str]

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.recipe.schedule.total_steps(self.loader.steps)

    def row_names(self, batch: Batch, rows: Tensor, task: str) -> list[str]:
        """Say which samples the rows of a Batch are, for messages.

        A Batch does not say which source it came from; where several fit, each is named.
        """
        names: list[str] = []
        for row in rows.tolist():
            fits = [s for s in self.sources["train"] if _fits(s, row, batch, task)]
            names.append(" or ".join(dict.fromkeys(str(s.table.row_names[row]) for s in fits)))
        return names


def build_run(recipe: Recipe, world: World | None = None) -> Setup:
    """Build everything that a training holds.

    Raises:
        ValueError: if data, tasks, network and options do not fit together; says how.
    """
    world = world or World()
    device = choose_device(recipe.train.device, world)
    found = with_pseudo_labels(recipe, build_sources(recipe), device)
    _check_monitor(recipe.train.monitor, found.tasks)
    loader = Loader(
        found.splits["train"],
        seed=recipe.train.seed,
        workers=recipe.train.workers,
        on_error=recipe.train.on_error,
        mixing=recipe.train.mixing,
        temperature=recipe.train.temperature,
        rank=world.rank,
        world=world.size,
    )
    network, loaded = _network(recipe, found.tasks, device)
    optimizer = build_optimizer(recipe.optimizer, network, network.rates())
    balancer = build(BALANCERS, recipe.balancer, "balancer", tasks=taught(found.tasks))
    gradients = build_gradients(
        recipe.gradient,
        balancer,
        network,
        sources=found.splits["train"],
        tasks=taught(found.tasks),
        world=world,
    )
    ema = recipe.train.ema
    return Setup(
        recipe=recipe,
        resolved=found.resolved,
        sources=found.splits,
        rows=found.rows,
        loader=loader,
        network=network,
        model=distributed(network, world),
        optimizer=optimizer,
        stages=Stages(
            recipe.schedule.stages, network, taught(found.tasks), recipe.optimizer.freeze
        ),
        balancer=balancer,
        gradients=gradients,
        average=None if ema is None else WeightAverage(network, ema),
        device=device,
        world=world,
        loaded=loaded,
    )


def choose_device(name: str, world: World) -> torch.device:
    """Return the device to train on.

    Raises:
        ValueError: if a GPU is asked for and there is none.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise ValueError("train.device is 'cuda', but no GPU is found. Use 'auto' or 'cpu'.")
    return (
        torch.device("cuda", world.local_rank) if found and name != "cpu" else torch.device("cpu")
    )


def _network(
    recipe: Recipe, tasks: Mapping[str, Task], device: torch.device
) -> tuple[Network, list[str]]:
    """Build the network with the recipe's seed, and take weights over if it says so."""
    inputs = input_shapes(*(recipe.input_of(place) for place in range(len(recipe.data))))
    torch.manual_seed(recipe.train.seed)
    network = build_network(recipe.network, tasks, inputs)
    init, loaded = recipe.train.init, []
    if init is not None and init.is_dir():
        loaded = _take_weights(network, init)
    elif init is not None:
        initialize(network, init, loaded.append)
    network.to(device)
    if recipe.train.channels_last:
        _lay_channels_last(network)
    return network, loaded


def _lay_channels_last(network: nn.Module) -> None:
    """Lay out the weights of 2D and 3D convolutions with the channels innermost."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in network.parameters():
        if parameter.ndim in layouts:
            parameter.data = parameter.data.contiguous(memory_format=layouts[parameter.ndim])


def _take_weights(network: nn.Module, folder: Path) -> list[str]:
    """Copy the arrays of a saved network that have a namesake of equal shape.

    Returns:
        What became of every array, in words.
    """
    given = load_network(folder).network.state_dict()
    own = network.state_dict()
    fitting = {k: v for k, v in given.items() if k in own and v.shape == own[k].shape}
    if not any(value.ndim > 1 for value in fitting.values()):
        raise ValueError(
            f"train.init: no weight of {folder} has the name and shape of one of this network. "
            "Take a network with the same encoder and sharing, or leave 'init' out."
        )
    network.load_state_dict(fitting, strict=False)
    lines = [f"{len(fitting)} arrays loaded"]
    lines += [f"missing in the file, left random: {name}" for name in own if name not in given]
    lines += [f"in the file, not used: {name}" for name in given if name not in own]
    return lines + [
        f"another shape, left random: {name}"
        for name in own
        if name in given and name not in fitting
    ]


def _check_monitor(monitor: str, tasks: Mapping[str, Task]) -> None:
    """Refuse a metric that its task does not have."""
    task, _, metric = monitor.partition("/")
    if metric:
        lookup(tasks[task].metrics, metric, f"metric of task {task!r}, 'train.monitor':")


def _fits(source: Source, row: int, batch: Batch, task: str) -> bool:
    """Whether a Batch's row may be this source's."""
    target = next(target for target in source.targets if target.task == task)
    return (
        {medium.modality for medium in source.spec.media} == set(batch.inputs)
        and row < len(source.table)
        and (bool(target.made_of) or bool(labeled_rows(source.table, target)[row]))
    )
