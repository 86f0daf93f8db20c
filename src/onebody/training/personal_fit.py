"""Fine-tuning on one person's rows, while a network keeps what it knows.

Every step sees rows of the person, with their labels of one task, and rows that the network was
trained on, with its own former answers to every task; of the person's rows the other tasks are held
to the former answers, too.

Source: Li, Hoiem, "Learning without Forgetting", ECCV 2016, for former answers in the place of
labels. Ours: former answers on training rows beside the new ones, so that classes which a few
minutes do not hold are kept as well; norms and dropout stay as in a test, since a few rows of one
person are no statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from onebody.config import Config
from onebody.data import Batch, Loader, Source
from onebody.models import Network
from onebody.tasks import Task
from onebody.types import PLACES

Keep: TypeAlias = Literal["freeze", "distill"]


class PersonalConfig(Config):
    """How a network is fitted to a person.

    Attributes:
        keep: how other tasks are kept: ``freeze`` (only weights move that no other task reads, so
            that all others answer as before, to the last bit) or ``distill`` (all weights move,
            answers are held to the former ones). On a validation person of UTD-MHAD's worn sensor
            both learned about alike (90.4 % before; 100.0 and 98.1 % after one minute, 52 trials),
            so the one that gives the guarantee is the default.
        steps: optimizer steps.
        lr: learning rate of Adam; it falls to nothing by half a cosine.
        batch_size: rows of the person in a step, and rows that the network was trained on.
        weight: what former answers count beside the person's labels.
        seed: of order and variation.
    """

    keep: Keep = "freeze"
    steps: int = Field(150, ge=1)
    lr: float = Field(1e-3, gt=0.0)
    batch_size: int = Field(16, ge=1)
    weight: float = Field(1.0, ge=0.0)
    seed: int = Field(0, ge=0)


def fit_person(
    network: Network,
    task: str,
    own: Sequence[Source],
    former: Sequence[Source],
    config: PersonalConfig,
    device: torch.device | str = "cpu",
) -> Network:
    """Return a copy of a network, fitted to a person.

    Args:
        network: as it was; it is left so.
        task: what it learns about the person.
        own: the person's rows, varied as in training.
        former: rows that the network was trained on, likewise.
        config: how.
        device: where to compute.

    Returns:
        The fitted copy, in evaluation mode.

    Raises:
        ValueError: if ``freeze`` leaves nothing to move.
    """
    fitted = deepcopy(network).to(device).eval()
    teacher = network.to(device).eval()
    moving = [p for p in fitted.parameters() if p.requires_grad]
    batches = _steps([*own, *former], config, len(own))
    for step, (theirs, others) in enumerate(batches):
        theirs, others = ([b.to(device) for b in part] for part in (theirs, others))
        if step == 0:
            if config.keep == "freeze":
                moving = exclusive(fitted, task, theirs)
            optimizer = torch.optim.Adam(moving, lr=config.lr)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
        loss = person_loss(fitted, teacher, task, theirs, others, config.weight)
        optimizer.zero_grad(set_to_none=True)
        for parameter, gradient in zip(
            moving, torch.autograd.grad(loss, moving, allow_unused=True), strict=True
        ):
            parameter.grad = gradient
        nn.utils.clip_grad_norm_(moving, 5.0)
        optimizer.step()
        schedule.step()
    return fitted.cpu()


def person_loss(
    network: Network,
    teacher: Network,
    task: str,
    theirs: Sequence[Batch],
    others: Sequence[Batch],
    weight: float,
) -> Tensor:
    """Return the loss of a step: the person's labels, and what is held to former answers.

    Args:
        network: that learns.
        teacher: as it was.
        task: whose labels are learned.
        theirs: the person's rows.
        others: rows of the training.
        weight: of former answers.
    """
    plain = _plain(network.tasks)
    parts = _parts(network.tasks, task)
    seen = [*theirs, *others]
    asked: list[dict[str, Tensor]] = []
    for number, batch in enumerate(seen):
        everyone = torch.ones(len(batch), dtype=torch.bool, device=batch.context.row.device)
        kept = [n for n in plain if number >= len(theirs) or n not in parts]
        rows = dict.fromkeys(kept, everyone)
        labeled = batch.present([task])[task]
        asked.append({**rows, task: labeled} if number < len(theirs) else rows)
    outputs = network(seen, asked)
    with torch.no_grad():
        wanted = teacher(seen, asked)
    labels, held = [], []
    for number, (batch, said, former) in enumerate(zip(seen, outputs, wanted, strict=True)):
        if number < len(theirs) and task in said:
            target = batch.targets[task].select(asked[number][task])
            labels.append(network.tasks[task].loss(said[task][-1].float(), target))
        kept = [n for n in said if n in plain and (number >= len(theirs) or n not in parts)]
        held += [former_loss(network.tasks[n], said[n][-1], former[n][-1]) for n in kept]
    total = torch.cat(labels).mean() if labels else outputs[0][next(iter(outputs[0]))][-1].sum() * 0
    return total + weight * torch.stack(held).mean() if held else total


def former_loss(task: Task, output: Tensor, former: Tensor) -> Tensor:
    """Return how far an output is from the former one: nats of divergence, or a mean difference.

    Args:
        task: whose form says which.
        output: ``[N, ..]``.
        former: the same of the network as it was.
    """
    if task.form in PLACES:
        return F.l1_loss(output.float(), former.float())
    told = F.log_softmax(output.float(), -1).flatten(0, -2)
    return F.kl_div(
        told,
        F.log_softmax(former.float(), -1).flatten(0, -2),
        log_target=True,
        reduction="batchmean",
    )


def exclusive(network: Network, task: str, batches: Sequence[Batch]) -> list[nn.Parameter]:
    """Return the parameters that a task's answer is made from, and no other plain task's.

    Raises:
        ValueError: if there is none.
    """
    parts = _parts(network.tasks, task)
    others = [name for name in _plain(network.tasks) if name not in parts]
    own = _reached(network, parts, batches)
    read = _reached(network, others, batches) if others else set()
    found = [p for p in network.parameters() if p in own and p not in read]
    if not found:
        raise ValueError(
            f"Every weight that {task!r} reads is read by another task, too. Take keep=distill."
        )
    return found


def _reached(network: Network, tasks: Sequence[str], batches: Sequence[Batch]) -> set[nn.Parameter]:
    """Return the parameters that some tasks' outputs depend on."""
    everything = [p for p in network.parameters() if p.requires_grad]
    asked = [
        dict.fromkeys(tasks, torch.ones(len(b), dtype=torch.bool, device=b.context.row.device))
        for b in batches
    ]
    outputs = network(batches, asked)
    total = torch.stack(
        [o.float().sum() for said in outputs for many in said.values() for o in many]
    )
    found = torch.autograd.grad(total.sum(), everything, allow_unused=True)
    return {p for p, gradient in zip(everything, found, strict=True) if gradient is not None}


def _plain(tasks: Mapping[str, Task]) -> list[str]:
    """Return the tasks with a head of their own."""
    return [name for name, task in tasks.items() if not task.reads]


def _parts(tasks: Mapping[str, Task], task: str) -> list[str]:
    """Return the plain tasks that a task is made of; of a plain one, itself."""
    reads = tasks[task].reads
    return [part for name in reads for part in _parts(tasks, name)] if reads else [task]


def _steps(
    sources: Sequence[Source], config: PersonalConfig, own: int
) -> Iterator[tuple[list[Batch], list[Batch]]]:
    """Yield the person's Batches and those of the training, for every step."""
    sized = [replace(source, batch_size=config.batch_size, balance=()) for source in sources]
    loaders = [
        Loader(part, seed=config.seed, steps=config.steps)
        for part in (sized[:own], sized[own:])
        if part
    ]
    for batches in zip(*(loader.epoch(0) for loader in loaders), strict=True):
        yield batches[0], batches[1] if len(batches) > 1 else []
