"""Pseudo-labels: what networks of single tasks say of rows that nobody has labeled for their task.

Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015
(arXiv 1503.02531), for probabilities of raised temperature as labels. Differs: the student's own
outputs are not softened, and only rows without a label are taught by the teacher.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from onebody.config import Config
from onebody.data import Source, evaluation_batches
from onebody.data.flow import pictured
from onebody.data.table import SoftColumn
from onebody.data.targets import labeled_rows
from onebody.evaluation import evaluating
from onebody.models import SavedNetwork, load_network
from onebody.tasks import Task, TreeTask
from onebody.tasks.classes import ClassTask
from onebody.types import Bools, Ints


class PseudoConfig(Config):
    """Soft labels of one class task for training rows that have none of their own.

    Attributes:
        task: which task they serve.
        teacher: folder of a finished run whose network has that task, with the same classes.
        weight: what such a label counts beside one given by hand.
        temperature: the teacher's logits are divided by it; higher is softer.
        confidence: rows of whose likeliest class the teacher is less sure (at temperature 1) get no
            label.
    """

    task: str
    teacher: Path
    weight: float = Field(0.5, gt=0.0, le=1.0)
    temperature: float = Field(2.0, gt=0.0)
    confidence: float = Field(0.0, ge=0.0, lt=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A loaded teacher.

    Attributes:
        config: what is wanted of it.
        saved: its network.
        device: where it runs.
    """

    config: PseudoConfig
    saved: SavedNetwork
    device: torch.device


def content_hash(run: Path) -> str:
    """Return 16 hexadecimal digits of a run's saved network.

    Raises:
        ValueError: if the folder holds none.
    """
    files = sorted(file for file in (run / "model").glob("*") if file.is_file())
    if not files:
        raise ValueError(
            f"pseudo.teacher {run}: expected the folder of a finished run, found no 'model' in it. "
            "Train the teacher first."
        )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def load_teacher(config: PseudoConfig, tasks: Mapping[str, Task], device: torch.device) -> Teacher:
    """Load a teacher for a task of the student.

    Raises:
        ValueError: if the task is no class task, or the teacher has not learned these classes.
    """
    own = tasks[config.task]
    content_hash(config.teacher)  # refuses a folder without a network
    saved = load_network(config.teacher / "model")
    taught = saved.network.tasks.get(config.task)
    if not isinstance(own, ClassTask) or own.reads or isinstance(own, TreeTask):
        raise ValueError(
            f"'pseudo': task {config.task!r} is {own.kind}; soft labels serve classification."
        )
    found = taught.classes if isinstance(taught, ClassTask) else None
    if found != own.classes:
        classes = "no such task" if found is None else ", ".join(found)
        raise ValueError(
            f"pseudo.teacher {config.teacher}: expected task {config.task!r} with the classes "
            f"{', '.join(own.classes)}; found {classes}. Train the teacher on the same classes."
        )
    saved.network.to(device)
    return Teacher(config=config, saved=saved, device=device)


def add_pseudo_labels(sources: Sequence[Source], teachers: Sequence[Teacher]) -> list[Source]:
    """Give training rows the labels of their teachers; rows with a label of their own keep it.

    The teacher sees every row as in a test: frames spread evenly, nothing varied.

    Args:
        sources: of the training.
        teachers: one per task.
    """
    made = list(sources)
    for teacher in teachers:
        made = [_taught(source, teacher) for source in made]
    return made


def count_pseudo_labels(sources: Sequence[Source], task: str) -> int:
    """Return how many rows have a soft label for a task."""
    return sum(
        int((source.table.soft[target.soft].weight > 0).sum())
        for source in sources
        for target in source.targets
        if target.task == task and target.soft
    )


def _taught(source: Source, teacher: Teacher) -> Source:
    """Add a teacher's labels to one source."""
    config = teacher.config
    target = next(target for target in source.targets if target.task == config.task)
    modality = teacher.saved.input.modality
    if pictured(modality) not in source.table.media:
        raise ValueError(
            f"pseudo.teacher {config.teacher} reads {modality!r}, which table "
            f"{source.table.name!r} does not have ({', '.join(source.table.media)})."
        )
    free = ~labeled_rows(source.table, target)
    classes = teacher.saved.network.tasks[config.task].num_outputs
    values = np.zeros((len(source.table), classes), np.float32)
    weight = np.zeros(len(source.table), np.float32)
    for rows, soft_scores, scores in _answers(source, teacher, free):
        values[rows] = soft_scores.numpy()
        sure = scores.amax(1).numpy() >= config.confidence
        weight[rows] = np.where(sure, np.float32(config.weight), np.float32(0))
    name = f"pseudo {config.task}"
    soft = {**source.table.soft, name: SoftColumn(values=values, weight=weight)}
    targets = tuple(replace(t, soft=name) if t is target else t for t in source.targets)
    return replace(source, table=replace(source.table, soft=soft), targets=targets)


def _answers(
    source: Source, teacher: Teacher, chosen: Bools
) -> Iterator[tuple[Ints, torch.Tensor, torch.Tensor]]:
    """Yield numbers of chosen rows, and the teacher's softened and plain probabilities ``[N, C]``.

    Of a teacher that answers per frame, the means over the frames.
    """
    numbers = np.flatnonzero(chosen)
    asked = Source(table=source.table.select(numbers), spec=teacher.saved.input, targets=())
    network, name = teacher.saved.network, teacher.config.task
    with evaluating(network):
        for batch in evaluation_batches(asked):
            placed = batch.to(teacher.device)
            everyone = torch.ones(len(batch), dtype=torch.bool, device=teacher.device)
            logits = network([placed], [{name: everyone}])[0][name][-1].float()
            scores = [
                network.tasks[name].decode(logits / temperature, placed.context).cpu()
                for temperature in (teacher.config.temperature, 1.0)
            ]
            yield numbers[batch.context.row.numpy()], scores[0], scores[1]
