"""Optimizers: which parameters they move, how fast, and which decay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from onebody.config import Config, Factory, lookup, nearest


class OptimizerConfig(Config):
    """What every optimizer has.

    Attributes:
        lr: learning rate at its full value.
        weight_decay: of weights with two or more axes; norms' and biases are never decayed.
        rates: part of the network (the beginning of its parameters' names, such as
            ``sharing.encoder``) to a factor on its learning rate; the longest beginning counts.
        freeze: parts of the network (``encoder.stages.0``, ``net.blocks.*.r1``) that stay as they
            are, ``*`` for any one piece: their parameters do not move, and their batch norms keep
            their statistics.
    """

    kind: str
    lr: float = Field(1e-3, gt=0.0)
    weight_decay: float = Field(0.01, ge=0.0)
    rates: dict[str, float] = Field(default_factory=dict)
    freeze: tuple[str, ...] = ()


class AdamWConfig(OptimizerConfig):
    """AdamW (https://arxiv.org/abs/1711.05101).

    Attributes:
        betas: decay of the averages of gradients and of their squares.
    """

    kind: Literal["adamw"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)


class SGDConfig(OptimizerConfig):
    """Stochastic gradient descent.

    Attributes:
        momentum: share of the last step that the next one keeps.
        nesterov: look ahead by that share.
    """

    kind: Literal["sgd"] = "sgd"
    lr: float = Field(0.1, gt=0.0)
    weight_decay: float = Field(5e-4, ge=0.0)
    momentum: float = Field(0.9, ge=0.0, lt=1.0)
    nesterov: bool = True


class RMSpropConfig(OptimizerConfig):
    """RMSprop, with the constants of Keras.

    Attributes:
        rho: decay of the average of the gradients' squares.
        eps: added to its root.
    """

    kind: Literal["rmsprop"] = "rmsprop"
    weight_decay: float = Field(0.0, ge=0.0)
    rho: float = Field(0.9, ge=0.0, lt=1.0)
    eps: float = Field(1e-7, gt=0.0)


def build_adamw(config: AdamWConfig, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
    """Build AdamW over parameter groups."""
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas)


def build_sgd(config: SGDConfig, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
    """Build SGD over parameter groups."""
    nesterov = config.nesterov and config.momentum > 0.0
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov)


def build_rmsprop(config: RMSpropConfig, groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
    """Build RMSprop over parameter groups."""
    return torch.optim.RMSprop(groups, lr=config.lr, alpha=config.rho, eps=config.eps)


OPTIMIZERS: dict[str, Factory[torch.optim.Optimizer]] = {
    "adamw": Factory(
        config=AdamWConfig, build=build_adamw, summary="Adam with decoupled weight decay"
    ),
    "sgd": Factory(config=SGDConfig, build=build_sgd, summary="SGD with Nesterov momentum"),
    "rmsprop": Factory(
        config=RMSpropConfig, build=build_rmsprop, summary="RMSprop as SPNet's authors use it"
    ),
}
"""Built as ``build(config, groups)``."""


def build_optimizer(
    config: OptimizerConfig, network: nn.Module, rates: Mapping[str, float] | None = None
) -> torch.optim.Optimizer:
    """Build an optimizer over a network's parameters, frozen ones left out.

    Args:
        config: of one of `OPTIMIZERS`.
        network: its frozen parts are set to need no gradient.
        rates: of the network's mixing coefficients (see `onebody.models.Network.rates`): factors
            that multiply those of ``config``; these parameters do not decay.

    Returns:
        An optimizer whose groups carry ``rate``, their factor on the learning rate.

    Raises:
        ValueError: if a part named in ``rates`` or ``freeze`` does not exist, or nothing is left
            to train.
    """
    for part in (*config.rates, *config.freeze):
        check_part(network, part)
    own = rates or {}
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if any(within(name, part) for part in config.freeze):
            parameter.requires_grad_(False)
            continue
        decayed = parameter.ndim >= 2 and not any(within(name, part) for part in own)
        rate = _rate(name, config.rates) * _rate(name, own)
        groups.setdefault((rate, decayed), []).append(parameter)
    if not groups:
        raise ValueError(f"freeze = {', '.join(config.freeze)} leaves nothing to train.")
    return lookup(OPTIMIZERS, config.kind, "optimizer").build(
        config,
        [
            {
                "params": parameters,
                "weight_decay": config.weight_decay if decayed else 0.0,
                "rate": rate,
                "lr": config.lr * rate,
            }
            for (rate, decayed), parameters in groups.items()
        ],
    )


def set_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of every group, each with its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["rate"]


def training_mode(network: nn.Module, freeze: tuple[str, ...]) -> None:
    """Put a network into training mode, its frozen parts into evaluation mode."""
    network.train()
    for name, module in network.named_modules():
        if any(within(name, part) for part in freeze):
            module.eval()


def _rate(name: str, rates: Mapping[str, float]) -> float:
    """Return a parameter's factor: that of the longest part that it lies in, else 1."""
    parts = [part for part in rates if within(name, part)]
    return rates[max(parts, key=len)] if parts else 1.0


def within(name: str, part: str) -> bool:
    """Whether a parameter or module lies in a part of the network.

    Args:
        name: its name, dotted.
        part: a dotted name; ``*`` stands for any one piece between dots.
    """
    pieces, wanted = name.split("."), part.split(".")
    return len(pieces) >= len(wanted) and all(
        found == piece or piece == "*" for found, piece in zip(pieces, wanted, strict=False)
    )


def check_part(network: nn.Module, part: str) -> None:
    """Refuse a part that holds no parameter."""
    names = [name for name, _ in network.named_parameters()]
    if any(within(name, part) for name in names):
        return
    pieces = [name.split(".") for name in names]
    parts = {".".join(piece[:end]) for piece in pieces for end in range(1, len(piece) + 1)}
    known = parts if len(parts) < 20 else {p for p in parts if p.count(".") <= part.count(".")}
    raise ValueError(f"The network has no part {part!r}. {nearest(part, known)}")
