"""Learning rates by part of a network, and freezing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from onebody.config import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterGroup:
    """Parameters that learn at one rate.

    Attributes:
        prefix: what their names begin with; empty: all that no prefix claims.
        rate: factor of the recipe's learning rate.
        names: of the parameters, in the network.
        parameters: themselves.
    """

    prefix: str
    rate: float
    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]


def parameter_groups(network: nn.Module, rates: Mapping[str, float]) -> list[ParameterGroup]:
    """Divide a network's parameters by learning rate, and freeze those of rate 0.

    Args:
        network: changed in place: parameters of rate 0 stop requiring gradients.
        rates: factor of the learning rate by prefix of parameter names, at a dot
            (``sharing.encoder.stages.0: 0.1``). The longest prefix counts; others have factor 1.

    Returns:
        The groups that learn; frozen parameters are in none. Call `train_mode`, not ``train()``,
        so that frozen BatchNorms keep their statistics too.

    Raises:
        ValueError: if a prefix fits no parameter (names the nearest), or a rate is negative.
    """
    named = dict(network.named_parameters())
    known = {".".join(name.split(".")[:n]) for name in named for n in range(1, name.count(".") + 2)}
    for prefix, rate in rates.items():
        if prefix not in known:
            top = sorted(p for p in known if p.count(".") < 2)
            close = nearest(prefix, known)
            hint = close if close.startswith("Did") else nearest(prefix, top)
            raise ValueError(f"No parameter's name begins with {prefix!r}. {hint}")
        if rate < 0:
            raise ValueError(f"Rate of {prefix!r}: expected 0 (frozen) or more, found {rate}.")
    members: dict[str, list[str]] = {}
    for name, parameter in named.items():
        fits = [p for p in rates if name == p or name.startswith(p + ".")]
        prefix = max(fits, key=len, default="")
        if rates.get(prefix, 1.0) == 0:
            parameter.requires_grad_(False)
        else:
            members.setdefault(prefix, []).append(name)
    return [
        ParameterGroup(
            prefix=prefix,
            rate=rates.get(prefix, 1.0),
            names=tuple(names),
            parameters=tuple(named[name] for name in names),
        )
        for prefix, names in members.items()
    ]


def train_mode(network: nn.Module) -> None:
    """Switch to training, but leave BatchNorms whose weights are frozen in evaluation mode.

    Otherwise their running statistics would go on changing, and frozen layers with them.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, _BatchNorm) and module.affine and not module.weight.requires_grad:
            module.eval()
