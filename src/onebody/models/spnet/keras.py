"""Weights that the authors' Keras code wrote.

``Model.save_weights`` of Keras 2 writes an HDF5 file with one group a layer. Layers are matched by
name and their arrays by order and shape, for the arrays' inner names differ between versions of
Keras. Every array of the file must have a place and every place an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onebody.models.spnet.config import SPNetConfig
from onebody.models.spnet.layers import Norm, SeparableConv
from onebody.models.spnet.network import SPNet

Arrays = dict[str, tuple[npt.NDArray[Any], ...]]
"""By layer, its arrays in the order in which Keras keeps them."""

_FIXED = re.compile(r"(_xy2?)_[xy]$")
"""Soft-argmax: layers that hold the grid, and are not trained."""

_ACTION = re.compile(r"^act(\d+)(?=_)")
_MOST_NAMED = 8
"""Faults that one message names."""

_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def load_keras(path: Path | str, config: SPNetConfig) -> SPNet:
    """Build a network with the weights of an HDF5 file.

    Args:
        path: a file of ``save_weights``.
        config: of the network that was saved. If it is truncated, the file may hold the whole one.

    Returns:
        The network in evaluation mode.

    Raises:
        ModuleNotFoundError: without h5py; names the extra.
        ValueError: if the file is none of this network; names arrays that are missing, left over or
            of another shape.
    """
    path = Path(path)
    arrays = read_keras(path)
    whole = SPNet(config.model_copy(update={"truncate": 0}))
    whole.load_state_dict(to_state(arrays, whole, str(path)))
    return whole.truncated(config.truncate) if config.truncate else whole.eval()


def read_keras(path: Path) -> Arrays:
    """Read all arrays of an HDF5 file of weights.

    Raises:
        ModuleNotFoundError: without h5py; names the extra.
        ValueError: if the file cannot be read; names it and what is wrong.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "Keras weights need h5py. Install it: pip install 'onebody[keras]'."
        ) from None
    if not path.is_file():
        raise ValueError(f"{path}: expected a Keras weight file (HDF5), found no file.")
    found: Arrays = {}
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            for layer in _names(root.attrs, "layer_names"):
                names = _names(root[layer].attrs, "weight_names")
                missing = [name for name in names if name not in root[layer]]
                if missing:
                    raise ValueError(f"no array {missing[0]!r} of layer {layer!r}")
                if names:
                    found[layer] = tuple(np.asarray(root[layer][name]) for name in names)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: expected a file of Keras' save_weights (HDF5), found {error}. Copy or "
            "download it again."
        ) from None
    if not found:
        raise ValueError(f"{path}: expected layers with weights, found none.")
    return _renumbered(found)


def to_state(arrays: Arrays, network: SPNet, where: str) -> dict[str, Tensor]:
    """Lay a file's arrays out as a network's state.

    Args:
        arrays: see `read_keras`.
        network: whose places they take.
        where: their file, for messages.

    Raises:
        ValueError: naming what is missing, left over, of another shape, or no finite number.
    """
    state = dict(network.state_dict())
    layers = dict(keras_layers(network))
    faults = [f"no layer {name!r}" for name in layers if name not in arrays]
    for name, given in arrays.items():
        if _FIXED.search(name):
            faults += [] if _is_grid(name, given) else [f"{name!r} is not the grid from 0 to 1"]
        elif name not in layers:
            faults.append(f"layer {name!r} has no place")
        elif len(given) != len(layers[name]):
            faults.append(f"{name!r} has {len(given)} arrays, expected {len(layers[name])}")
        else:
            for slot, array in zip(layers[name], given, strict=True):
                fault = _fault(array, slot, state[slot.place])
                faults += [f"{name!r} {slot.array}: {fault}"] if fault else []
                if not fault:
                    state[slot.place] = _turned(array, slot)
    if faults:
        more = f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise ValueError(
            f"{where}: not the weights of this configuration: {'; '.join(faults[:_MOST_NAMED])}"
            f"{more}. Compare the configuration with that of the saved network."
        )
    return state


@dataclass(frozen=True, slots=True)
class Slot:
    """One array of a layer.

    Attributes:
        array: what Keras calls it.
        place: its key in the network's state.
        order: axes of Keras' array in the order of PyTorch's; empty: as they are.
    """

    array: str
    place: str
    order: tuple[int, ...] = ()


def keras_layers(network: SPNet) -> Iterator[tuple[str, tuple[Slot, ...]]]:
    """Yield the layers that Keras keeps weights of, by name, with their arrays in its order.

    A layer is named by its place in the network, without the list that it stands in.
    """
    for place, module in network.named_modules():
        name = "_".join(place.split(".")[1:])
        if isinstance(module, SeparableConv):
            yield (
                name,
                (
                    Slot("depthwise_kernel", f"{place}.depthwise.weight", (2, 3, 0, 1)),
                    Slot("pointwise_kernel", f"{place}.pointwise.weight", (3, 2, 0, 1)),
                ),
            )
        elif isinstance(module, Norm):
            yield name, tuple(Slot(array, f"{place}.{own}") for array, own in _NORM.items())
        elif _is_plain(place, module):
            yield name, (Slot("kernel", f"{place}.weight", (3, 2, 0, 1)),)


def _is_plain(place: str, module: nn.Module) -> bool:
    """Whether a module is a convolution of its own, not the half of a separable one."""
    half = place.rpartition(".")[2] in ("depthwise", "pointwise")
    return isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not half


def _fault(array: npt.NDArray[Any], slot: Slot, wanted: Tensor) -> str:
    """Say what is wrong with an array; empty: nothing."""
    shape = list(wanted.shape)
    if slot.order:
        shape = [shape[slot.order.index(axis)] for axis in range(len(slot.order))]
    if list(array.shape) != shape:
        return f"expected shape {shape}, found {list(array.shape)}"
    if not np.isfinite(array).all():
        return "expected finite numbers, found others"
    return ""


def _turned(array: npt.NDArray[Any], slot: Slot) -> Tensor:
    """Return an array with its axes in PyTorch's order."""
    turned = array.transpose(slot.order) if slot.order else array
    return torch.from_numpy(np.array(turned, np.float32, order="C"))


def _is_grid(name: str, given: tuple[npt.NDArray[Any], ...]) -> bool:
    """Whether the arrays of a soft-argmax layer hold the grid that `SPNet` computes."""
    if [array.ndim for array in given] != [4, 4]:
        return False
    rows, columns, joints = given[0].shape[:3]
    across = np.linspace(0, 1, columns if name.endswith("_x") else rows)
    if name.endswith("_y"):
        across = across[:, None]
    return np.allclose(given[0][..., 0], np.broadcast_to(across, (rows, columns))[..., None]) and (
        np.array_equal(given[1][0, 0], np.eye(joints))
    )


def _renumbered(found: Arrays) -> Arrays:
    """Number action blocks from 1.

    Keras counts on where a process builds a second network, so that a file may begin at any number.
    """
    numbers = sorted({int(hit[1]) for name in found if (hit := _ACTION.match(name))})
    new = {number: place + 1 for place, number in enumerate(numbers)}
    return {_ACTION.sub(lambda hit: f"act{new[int(hit[1])]}", n): a for n, a in found.items()}


def _names(attributes: Mapping[str, Any], key: str) -> list[str]:
    """Return a list of names; long lists are kept in several attributes.

    Raises:
        ValueError: if there is none.
    """
    if key not in attributes and f"{key}0" not in attributes:
        raise ValueError(f"no attribute {key!r}, which lists what it holds")
    parts = [attributes[key]] if key in attributes else [attributes[f"{key}0"]]
    while key not in attributes and f"{key}{len(parts)}" in attributes:
        parts.append(attributes[f"{key}{len(parts)}"])
    return [n.decode() if isinstance(n, bytes) else str(n) for part in parts for n in part]
