"""Starting an encoder from public weights, with every array accounted for.

Two layouts of 3D ResNets are known: torchvision's (``stem.0.weight``, ``layer1.0.conv1.0.weight``)
and Hara's 3D-ResNets (``conv1.weight``, ``layer1.0.conv1.weight``), the latter perhaps under
``state_dict`` and with ``module.`` before each name; and our own (``stem.layers.0.weight``).
Other encoders read our own layout.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from onebody.models.base import Network

_RULES = (
    # torchvision
    (r"stem\.(0|1)\.(.+)", r"stem.layers.\1.\2"),
    (r"layer(\d)\.(\d+)\.(conv\d\.[01]\..+)", r"stages.\1.blocks.\2.\3"),
    # Hara
    (r"conv1\.(.+)", r"stem.layers.0.\1"),
    (r"bn1\.(.+)", r"stem.layers.1.\1"),
    (r"layer(\d)\.(\d+)\.(conv\d)\.([a-z].*)", r"stages.\1.blocks.\2.\3.0.\4"),
    (r"layer(\d)\.(\d+)\.bn(\d)\.(.+)", r"stages.\1.blocks.\2.conv\3.1.\4"),
    # both
    (r"layer(\d)\.(\d+)\.(downsample\..+)", r"stages.\1.blocks.\2.\3"),
)
"""Foreign name to ours; stages still counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport:
    """What became of every array.

    Attributes:
        loaded: the encoder's arrays that the file gave.
        adapted: of these, what had to be changed, in words.
        missing: the encoder's arrays that the file does not have: they keep their random values.
        surplus: the file's arrays that the encoder does not have: they are not used.
        misshapen: arrays of the same name and another shape, in words: they are not used.
    """

    loaded: tuple[str, ...]
    adapted: tuple[str, ...]
    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    misshapen: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the report as text, one line per array that did not simply fit."""
        lines = [f"{len(self.loaded)} arrays loaded"]
        lines += [f"adapted: {what}" for what in self.adapted]
        lines += [f"missing in the file, left random: {name}" for name in self.missing]
        lines += [f"in the file, not used: {name}" for name in self.surplus]
        return lines + [f"another shape, left random: {what}" for what in self.misshapen]


def load_pretrained(
    encoder: nn.Module, file: Path | str, report: Callable[[str], None] | None = None
) -> InitReport:
    """Start an encoder from a checkpoint.

    Args:
        encoder: changed in place.
        file: ``.safetensors``, or a torch file of plain arrays (nothing is unpickled but those).
        report: is handed every line of the report.

    Raises:
        ValueError: if the file cannot be read, or no convolution of it fits the encoder.
    """
    given = {_our_name(name): (name, value) for name, value in _read(Path(file)).items()}
    own = encoder.state_dict()
    adapted: list[str] = []
    misshapen: list[str] = []
    taken: dict[str, Tensor] = {}
    for name in (n for n in own if n in given):
        value, note = _fit(name, given[name][1], own[name])
        if value is None:
            misshapen.append(note)
            continue
        taken[name] = value
        adapted += [note] if note else []
    if not any(own[name].dim() > 1 for name in taken):
        raise ValueError(_nothing_fits(file, given, own, misshapen))
    encoder.load_state_dict(taken, strict=False)
    found = InitReport(
        loaded=tuple(taken),
        adapted=tuple(adapted),
        missing=tuple(name for name in own if name not in given),
        surplus=tuple(foreign for name, (foreign, _) in given.items() if name not in own),
        misshapen=tuple(misshapen),
    )
    for line in found.lines() if report else ():
        report(f"{file}: {line}")  # type: ignore[misc]
    return found


def initialize(
    network: Network, file: Path | str, report: Callable[[str], None] | None = None
) -> list[InitReport]:
    """Start a network's `bodies` (each copy that the sharing made) from a checkpoint.

    Raises:
        ValueError: see `load_pretrained`; also if the network has none.
    """
    if not network.bodies:
        raise ValueError(f"{file}: {type(network).__name__} has no encoder to start from it.")
    return [load_pretrained(body, file, report) for body in network.bodies]


def _read(file: Path) -> dict[str, Tensor]:
    """Read the arrays of a checkpoint by name, without unpickling anything else."""
    if not file.is_file():
        raise ValueError(f"{file}: no such file; expected a checkpoint.")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):  # torch advises to allow any code to run
            reason = "it is no checkpoint, or holds more than arrays"
        raise ValueError(f"{file}: cannot be read as a file of plain arrays: {reason}") from None
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping):
        raise ValueError(f"{file}: expected arrays by name, found {type(content).__name__}.")
    arrays = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if len(arrays) < len(content):
        others = [str(name) for name in content if str(name) not in arrays]
        raise ValueError(f"{file}: expected arrays by name, but {others[0]!r} is none.")
    return arrays


def _our_name(name: str) -> str:
    """Translate a foreign array's name."""
    name = name.removeprefix("module.")
    for pattern, replacement in _RULES:
        if re.fullmatch(pattern, name):
            ours = re.sub(pattern, replacement, name)
            return re.sub(r"^stages\.(\d)", lambda m: f"stages.{int(m[1]) - 1}", ours)
    return name


def _nothing_fits(
    file: Path | str,
    given: Mapping[str, tuple[str, Tensor]],
    own: Mapping[str, Tensor],
    misshapen: list[str],
) -> str:
    """Say that a file is for another encoder."""
    holds = ", ".join([foreign for foreign, _ in given.values()][:3]) or "nothing"
    return (
        f"{file}: no weight of it fits the encoder. It holds {holds}, ..; the encoder wants "
        f"{', '.join(list(own)[:3])}, ... Is it of the same kind, depth and width (1)?"
        + (f" Another shape: {misshapen[0]}." if misshapen else "")
    )


def _fit(name: str, value: Tensor, own: Tensor) -> tuple[Tensor | None, str]:
    """Return the array to load, adapted where only the input channels differ, and what to say.

    The response to a picture that is equal in all channels is kept: channels are averaged, spread
    again, and scaled by their ratio.
    """
    if value.shape == own.shape:
        return value, ""
    stem = name.startswith("stem.") and value.dim() == own.dim() > 2
    if stem and value.shape[0] == own.shape[0] and value.shape[2:] == own.shape[2:]:
        before, after = value.shape[1], own.shape[1]
        mean = value.mean(1, keepdim=True) * (before / after)
        repeats = (1, after) + (1,) * (value.dim() - 2)
        return mean.repeat(repeats), f"{name}: {before} input channels averaged into {after}"
    return None, f"{name}: file {tuple(value.shape)}, encoder {tuple(own.shape)}"
