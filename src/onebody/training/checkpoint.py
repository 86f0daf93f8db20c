"""``resume/``: all that a training needs to go on as if it had not been interrupted.

Tensors in safetensors, the rest in JSON; nothing is ever unpickled. A folder is written under
another name and then moved into place, so that a complete one exists at every moment. Random draws
are functions of (seed, epoch, row) and of (seed, step), so there is no generator state to save.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from onebody.balancing import Balancer
from onebody.data.folders import replace_folder, restore_folder
from onebody.training.ema import WeightAverage
from onebody.training.gradients import Gradients

FORMAT = 1
"""Version of the layout of ``resume/``."""

DAMAGE = (SafetensorError, json.JSONDecodeError, UnicodeDecodeError, OSError)
"""Raised by reading files that are not whole."""

ALTERED = (KeyError, TypeError, AttributeError, RuntimeError)
"""Raised by reading files that are whole, but hold something else."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a training has come.

    Attributes:
        step: optimizer steps done.
        epoch: the epoch under way.
        step_in_epoch: steps of it that are done.
        seconds: time spent, over all starts of the run.
        samples: rows trained on.
        empty_steps: steps that held no label, in which nothing was learned.
        best: best value of the monitored metric; None before the first validation.
        best_step: when it was reached.
        validation: the figures at that step.
        failures: samples that could not be read, with the reason.
    """

    step: int = 0
    epoch: int = 0
    step_in_epoch: int = 0
    seconds: float = 0.0
    samples: int = 0
    empty_steps: int = 0
    best: float | None = None
    best_step: int = 0
    validation: dict[str, dict[str, float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def save_resume(
    folder: Path,
    *,
    progress: Progress,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    balancer: Balancer,
    gradients: Gradients | None,
    average: WeightAverage | None,
    fingerprint: str,
) -> None:
    """Write ``resume/``."""
    moments, settings = _optimizer_state(optimizer, network)
    notes = {
        "format": FORMAT,
        "recipe": fingerprint,
        "progress": asdict(progress),
        "balancer": balancer.state(),
        "gradients": gradients.state() if gradients else None,
        "optimizer": settings,
        "average_steps": average.steps if average else None,
    }

    def write(fresh: Path) -> None:
        _save(fresh / "weights.safetensors", network.state_dict())
        _save(fresh / "optimizer.safetensors", moments)
        if average is not None:
            _save(fresh / "average.safetensors", average.values)
        (fresh / "state.json").write_text(json.dumps(notes, indent=1), encoding="utf-8")

    replace_folder(folder, write)


def load_resume(
    folder: Path,
    *,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    balancer: Balancer,
    gradients: Gradients | None,
    average: WeightAverage | None,
    fingerprint: str,
) -> Progress | None:
    """Take up a training where ``resume/`` left it.

    Returns:
        How far it had come; None if nothing was saved yet.

    Raises:
        ValueError: if it belongs to another recipe or another layout, or is damaged.
    """
    restore_folder(folder)
    if not folder.exists():
        return None
    try:
        return _restore(folder, network, optimizer, balancer, gradients, average, fingerprint)
    except (*DAMAGE, *ALTERED) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{folder}: damaged, expected a checkpoint to go on from, found "
            f"{type(error).__name__}: {reason.rstrip(':')}. Restore the folder, or delete it to "
            "train anew."
        ) from None


def _restore(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    balancer: Balancer,
    gradients: Gradients | None,
    average: WeightAverage | None,
    fingerprint: str,
) -> Progress:
    """Read ``resume/``; see `load_resume`."""
    notes = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    if notes["format"] != FORMAT:
        raise ValueError(f"{folder}: layout {notes['format']}, expected {FORMAT}. Train anew.")
    if notes["recipe"] != fingerprint:
        raise ValueError(
            f"{folder} was trained by another recipe ({notes['recipe']}, now {fingerprint}). "
            "Choose another folder, or go back to its recipe.yaml."
        )
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    _load_optimizer(
        optimizer, network, load_file(folder / "optimizer.safetensors"), notes["optimizer"]
    )
    balancer.load_state(notes["balancer"])
    if gradients is not None:
        gradients.load_state(notes["gradients"])
    if average is not None:
        average.load(load_file(folder / "average.safetensors"), notes["average_steps"])
    return Progress(**notes["progress"])


def _optimizer_state(
    optimizer: torch.optim.Optimizer, network: nn.Module
) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    """Take an optimizer's state apart: tensors by "parameter:key", and plain values."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{name}:{key}"] = value
            else:
                plain.setdefault(name, {})[key] = value
    return tensors, plain


def _load_optimizer(
    optimizer: torch.optim.Optimizer,
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    plain: Mapping[str, dict[str, Any]],
) -> None:
    """Put an optimizer's state together again, each tensor laid out as its parameter is.

    Another layout would be the same numbers, but other kernels would work on them, and these may
    round differently.
    """
    parameters = dict(network.named_parameters())
    for key, value in tensors.items():
        name, _, kind = key.rpartition(":")
        parameter = parameters[name]
        if kind != "step":
            value = torch.empty_like(parameter, requires_grad=False).copy_(value)
        optimizer.state[parameter][kind] = value
    for name, values in plain.items():
        optimizer.state[parameters[name]].update(values)


def _save(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors, each with memory of its own (tied weights would be refused)."""
    save_file(
        {k: v.detach().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()},
        path,
    )
