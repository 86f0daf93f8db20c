"""How an encoder takes its modality out of a Batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.config import nearest
from onebody.data import InputSpec
from onebody.data.reading import PICTURES
from onebody.skeletons import get_skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class InputShape:
    """What a network is given of one modality.

    Attributes:
        channels: of a picture; coordinates of a joint.
        skeleton: name of the joint layout; empty for pictures.
    """

    channels: int
    skeleton: str = ""


def input_shapes(*specs: InputSpec) -> dict[str, InputShape]:
    """Return what input specifications (one per source of data) give a network, by modality.

    Raises:
        ValueError: for a modality that is neither picture nor skeleton, or if two specifications
            disagree about one.
    """
    shapes: dict[str, InputShape] = {}
    for spec in specs:
        kind = spec.modality.split("/")[0]  # "rgb/2" is a second view
        if spec.reads_skeletons:
            shape = InputShape(channels=spec.dims, skeleton=spec.skeleton)
        elif kind in PICTURES:
            shape = InputShape(channels=PICTURES[kind])
        else:
            known = (*PICTURES, "skeleton")
            raise ValueError(
                f"Modality {spec.modality!r} is no input of a network. {nearest(kind, known)}"
            )
        if shapes.setdefault(spec.modality, shape) != shape:
            raise ValueError(
                f"Sources give {spec.modality!r} as {shapes[spec.modality]} and as {shape}; a "
                "network reads it in one form. Give every source the same 'skeleton' and 'dims'."
            )
    return shapes


def single_picture(inputs: Mapping[str, InputShape], encoder: str) -> tuple[str, int]:
    """Return the name and channels of the only modality that a network is given, a picture.

    Raises:
        ValueError: if there are several, or none, or it is a skeleton.
    """
    modality, shape = _single(inputs, encoder)
    if shape.skeleton:
        raise ValueError(
            f"Encoder {encoder!r} reads pictures, but {modality!r} holds joints. Take the encoder "
            "'skeleton', or read a picture (input.modality: rgb, depth or silhouette)."
        )
    return modality, shape.channels


def single_skeleton(inputs: Mapping[str, InputShape], encoder: str) -> tuple[str, InputShape]:
    """Return the name and shape of the only modality that a network is given, a skeleton.

    Raises:
        ValueError: if there are several, or none, or it is a picture.
    """
    modality, shape = _single(inputs, encoder)
    if not shape.skeleton:
        raise ValueError(
            f"Encoder {encoder!r} reads joints, but {modality!r} holds pictures. Take another "
            "encoder, or read skeletons (input.modality: skeleton)."
        )
    return modality, shape


def _single(inputs: Mapping[str, InputShape], encoder: str) -> tuple[str, InputShape]:
    """Return the only modality."""
    if len(inputs) != 1:
        found = ", ".join(inputs) or "none"
        raise ValueError(f"Encoder {encoder!r} reads one modality, found {found}. Give it one.")
    return next(iter(inputs.items()))


def take_input(
    inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], modality: str, channels: int
) -> Tensor:
    """Return a modality's clips with whatever is not valid set to zero (NaN too).

    Args:
        inputs: see `Batch.inputs`.
        valid: see `Batch.valid`; ``[B]`` or ``[B, T]`` for pictures.
        modality: which one.
        channels: how many channels it must have.

    Returns:
        ``[B, C, T, H, W]``.

    Raises:
        ValueError: if the modality is missing or has another shape.
    """
    x = _take(inputs, modality)
    if x.dim() != 5 or x.shape[1] != channels:
        raise ValueError(
            f"Input {modality!r}: expected [B, {channels}, T, H, W], found {list(x.shape)}."
        )
    if modality not in valid:
        return x
    keep = valid[modality]
    keep = keep.view(len(x), 1, -1, 1, 1)  # [B] or [B, T]
    return torch.where(keep, x, torch.zeros((), dtype=x.dtype, device=x.device))


def take_joints(
    inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], modality: str, shape: InputShape
) -> tuple[Tensor, Tensor]:
    """Return a modality's joints, zero where not valid (NaN too), and which are valid.

    Args:
        inputs: see `Batch.inputs`.
        valid: see `Batch.valid`; ``[B]``, ``[B, T]`` or ``[B, T, J]``.
        modality: which one.
        shape: what the network was built for.

    Returns:
        ``[B, T, J, D]`` and bool ``[B, T, J]``.

    Raises:
        ValueError: if the modality is missing or has another shape.
    """
    x = _take(inputs, modality)
    joints = len(get_skeleton(shape.skeleton))
    if x.dim() != 4 or x.shape[2:] != (joints, shape.channels):
        raise ValueError(
            f"Input {modality!r}: expected [B, T, {joints}, {shape.channels}], found "
            f"{list(x.shape)}."
        )
    if modality not in valid:
        return x, torch.ones(x.shape[:3], dtype=torch.bool, device=x.device)
    mask = valid[modality]
    known = mask.view(*mask.shape, *(1,) * (3 - mask.dim())).expand(x.shape[:3])
    return torch.where(known[..., None], x, torch.zeros((), dtype=x.dtype, device=x.device)), known


def _take(inputs: Mapping[str, Tensor], modality: str) -> Tensor:
    """Return a modality."""
    if modality not in inputs:
        found = ", ".join(inputs) or "none"
        raise ValueError(f"The network reads {modality!r}, but the batch holds: {found}.")
    return inputs[modality]
