"""A network as two files: weights (safetensors) and all that rebuilds it (JSON). No unpickling."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from onebody.config import Config, lookup, read_config
from onebody.data import InputSpec
from onebody.models.base import Network
from onebody.models.build import build_network
from onebody.models.calibration import Calibration
from onebody.models.inputs import input_shapes
from onebody.models.registry import NETWORKS
from onebody.tasks import TASKS, build_tasks

VERSION = 1
"""Of the format; a reader refuses those it does not know."""

WEIGHTS = "weights.safetensors"
DESCRIPTION = "network.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNetwork:
    """What `load_network` returns.

    Attributes:
        network: in evaluation mode; ``network.tasks`` are the built tasks.
        tasks: resolved task configs by name.
        input: how media become its input.
        config: the network's config.
        notes: whatever the writer wanted to say (plain JSON).
        calibration: what validation rows say of its class tasks, by task; empty: nobody has asked.
    """

    network: Network
    tasks: Mapping[str, Config]
    input: InputSpec
    config: Config
    notes: Mapping[str, Any]
    calibration: Mapping[str, Calibration] = field(default_factory=dict)


def save_network(
    folder: Path,
    network: Network,
    *,
    config: Config,
    tasks: Mapping[str, Config],
    input: InputSpec,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a network to a folder, replacing one that is there.

    Args:
        folder: made if need be.
        network: its arrays are written as they are, on any device.
        config: that it was built from.
        tasks: resolved configs (`resolve_tasks`) of its tasks.
        input: how media become its input.
        notes: plain JSON values.

    Raises:
        ValueError: if ``tasks`` are not the network's tasks.
    """
    if set(tasks) != set(network.tasks):
        raise ValueError(
            f"The network has the tasks {', '.join(network.tasks)}, but configs were given for "
            f"{', '.join(tasks)}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "version": VERSION,
        "network": config.model_dump(mode="json"),
        "tasks": {name: task.model_dump(mode="json") for name, task in tasks.items()},
        "input": input.model_dump(mode="json"),
        "notes": dict(notes or {}),
    }
    _write_arrays(folder, network)
    _write_description(folder, description)


def save_choice(folder: Path, network: Network, scores: Mapping[str, Sequence[float]]) -> None:
    """Save again a network some of whose answers were chosen among several outputs.

    Args:
        folder: where the network was saved before the choice.
        network: with the choice (`Network.choose`).
        scores: by task, what each output reached on validation rows; kept in the notes.
    """
    content = _read_description(folder / DESCRIPTION)
    plain = {name: [float(value) for value in values] for name, values in scores.items()}
    _write_arrays(folder, network)
    _write_description(folder, {**content, "notes": {**content["notes"], "outputs": plain}})


def save_calibration(folder: Path, calibration: Mapping[str, Calibration]) -> None:
    """Add to a saved network what validation rows say of its class tasks.

    Raises:
        ValueError: if there is no saved network, or it lacks one of the tasks.
    """
    path = folder / DESCRIPTION
    content = _read_description(path)
    for name in calibration:
        lookup(content["tasks"], name, f"task of {path}:")
    plain = {name: found.model_dump(mode="json") for name, found in calibration.items()}
    _write_description(folder, {**content, "calibration": plain})


def load_network(folder: Path) -> SavedNetwork:
    """Read back what `save_network` wrote.

    Raises:
        ValueError: if a file is missing, damaged, of another version, or does not fit the other.
    """
    path = folder / DESCRIPTION
    content = _read_description(path)
    config = _read_kind(NETWORKS, content["network"], "network", path)
    tasks = {
        name: _read_kind(TASKS, values, "task", path) for name, values in content["tasks"].items()
    }
    spec = read_config(InputSpec, content["input"], f"{path}: input")
    network = build_network(config, build_tasks(tasks), input_shapes(spec))
    _load_weights(network, folder / WEIGHTS)
    network.eval()
    return SavedNetwork(
        network=network,
        tasks=tasks,
        input=spec,
        config=config,
        notes=content["notes"],
        calibration={
            name: read_config(Calibration, values, f"{path}: calibration of {name!r}")
            for name, values in content.get("calibration", {}).items()
        },
    )


def _write_arrays(folder: Path, network: Network) -> None:
    """Write the weights; each file is replaced whole, so that an interrupted save loses nothing."""
    arrays = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    save_file(arrays, folder / f"{WEIGHTS}.part")
    os.replace(folder / f"{WEIGHTS}.part", folder / WEIGHTS)


def _write_description(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the JSON file, whole or not at all."""
    text = json.dumps(content, indent=1, allow_nan=False)
    (folder / f"{DESCRIPTION}.part").write_text(text + "\n", encoding="utf-8")
    os.replace(folder / f"{DESCRIPTION}.part", folder / DESCRIPTION)


def _read_description(path: Path) -> dict[str, Any]:
    """Read the JSON file and check its version and keys."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected the folder of a saved network.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: damaged, not JSON: {error}") from None
    found = content.get("version") if isinstance(content, dict) else None
    if found != VERSION:
        raise ValueError(f"{path}: expected version {VERSION}, found {found}. Update onebody.")
    for key in ("network", "tasks", "input", "notes"):
        if not isinstance(content.get(key), dict):
            raise ValueError(f"{path}: damaged: {key!r} is missing or no mapping.")
    return content


def _read_kind(registry: Mapping[str, Any], values: object, what: str, path: Path) -> Config:
    """Read the config of a replaceable part."""
    if not isinstance(values, dict):
        raise ValueError(f"{path}: damaged: expected a mapping for a {what}, found {values!r}.")
    factory = lookup(registry, str(values.get("kind")), what)
    config: Config = read_config(factory.config, values, f"{path}: {what}")
    return config


def _load_weights(network: Network, path: Path) -> None:
    """Fill a network with the arrays of a file, which must fit exactly."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; the network's weights are missing.")
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: damaged, not a safetensors file: {error}") from None
    own = network.state_dict()
    faults = [f"{name} is missing" for name in own if name not in arrays]
    faults += [f"{name} is unknown" for name in arrays if name not in own]
    faults += [
        f"{name} is {tuple(arrays[name].shape)}, expected {tuple(value.shape)}"
        for name, value in own.items()
        if name in arrays and arrays[name].shape != value.shape
    ]
    if faults:
        raise ValueError(
            f"{path}: does not fit {DESCRIPTION} beside it: {'; '.join(faults[:5])}"
            + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
        )
    spoiled = [name for name, value in arrays.items() if bool(value.isnan().any())]
    if spoiled:
        raise ValueError(
            f"{path}: expected numbers, found NaN in {', '.join(spoiled[:5])} ({len(spoiled)} of "
            f"{len(arrays)} arrays). The file is damaged, or the training diverged: train anew."
        )
    network.load_state_dict(arrays)
