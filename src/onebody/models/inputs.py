"""How an encoder takes its modality out of a Batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from onebody.config import nearest
from onebody.data import InputSpec
from onebody.data.augment_sensors import CHANNELS
from onebody.data.flow import is_flow, pictured
from onebody.data.reading import PICTURES, channels_of
from onebody.skeletons import get_skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class InputShape:
    """What a network is given of one modality.

    Attributes:
        channels: of a picture or a worn sensor; coordinates of a joint.
        skeleton: name of the joint layout; empty for others.
        sensors: S, worn sensors; 0 for others.
    """

    channels: int
    skeleton: str = ""
    sensors: int = 0


def input_shapes(*specs: InputSpec) -> dict[str, InputShape]:
    """Return what input specifications (one per source of data) give a network, by modality.

    Raises:
        ValueError: for a modality that is no picture, skeleton or sensors, or if two specifications
            disagree about one.
    """
    shapes: dict[str, InputShape] = {}
    for spec in (medium for several in specs for medium in several.media):
        shape = _shape_of(spec)
        if shapes.setdefault(spec.modality, shape) != shape:
            raise ValueError(
                f"Sources give {spec.modality!r} as {shapes[spec.modality]} and as {shape}; a "
                "network reads it in one form. Give every source the same 'skeleton' and 'dims' "
                "('sensors' of worn ones)."
            )
    return shapes


def _shape_of(spec: InputSpec) -> InputShape:
    """Return what one medium gives a network."""
    if spec.reads_skeletons:
        return InputShape(channels=spec.dims, skeleton=spec.skeleton)
    if spec.reads_sensors:
        return InputShape(channels=CHANNELS, sensors=spec.sensors)
    channels = channels_of(spec.modality)
    if channels is not None:
        return InputShape(channels=channels)
    if is_flow(spec.modality):
        raise ValueError(
            f"{spec.modality!r}: optical flow is of pictures ({', '.join(PICTURES)}), not of "
            f"{pictured(spec.modality)!r}."
        )
    known = (*PICTURES, "flow/rgb", "flow/depth", "skeleton", "imu")
    raise ValueError(
        f"Modality {spec.modality!r} is no input of a network. {nearest(spec.modality, known)}"
    )


def single_picture(inputs: Mapping[str, InputShape], encoder: str) -> tuple[str, int]:
    """Return the name and channels of the only modality that a network is given, a picture.

    Raises:
        ValueError: if there are several, or none, or it is no picture.
    """
    modality, shape = _single(inputs, encoder)
    if shape.sensors:
        raise ValueError(
            f"Encoder {encoder!r} reads pictures, but {modality!r} holds sensor readings. Take the "
            "encoder 'tcn-imu' or 'imu-spectral'."
        )
    if shape.skeleton:
        raise ValueError(
            f"Encoder {encoder!r} reads pictures, but {modality!r} holds joints. Take the encoder "
            "'skeleton', or read a picture (input.modality: rgb, depth or silhouette)."
        )
    return modality, shape.channels


def single_skeleton(inputs: Mapping[str, InputShape], encoder: str) -> tuple[str, InputShape]:
    """Return the name and shape of the only modality that a network is given, a skeleton.

    Raises:
        ValueError: if there are several, or none, or it is no skeleton.
    """
    modality, shape = _single(inputs, encoder)
    if not shape.skeleton:
        found = "sensor readings" if shape.sensors else "pictures"
        raise ValueError(
            f"Encoder {encoder!r} reads joints, but {modality!r} holds {found}. Take another "
            "encoder, or read skeletons (input.modality: skeleton)."
        )
    return modality, shape


def single_sensors(inputs: Mapping[str, InputShape], encoder: str) -> tuple[str, InputShape]:
    """Return the name and shape of the only modality that a network is given, worn sensors.

    Raises:
        ValueError: if there are several, or none, or it is something else.
    """
    modality, shape = _single(inputs, encoder)
    if not shape.sensors:
        found = "joints" if shape.skeleton else "pictures"
        raise ValueError(
            f"Encoder {encoder!r} reads worn sensors, but {modality!r} holds {found}. Take another "
            "encoder, or read sensors (input.modality: imu)."
        )
    return modality, shape


def _single(inputs: Mapping[str, InputShape], encoder: str) -> tuple[str, InputShape]:
    """Return the only modality."""
    if len(inputs) != 1:
        found = ", ".join(inputs) or "none"
        raise ValueError(
            f"Encoder {encoder!r} reads one modality, found {found}. Give it one, or take the "
            "encoder 'fusion'."
        )
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
    joints = len(get_skeleton(shape.skeleton))
    x, known = _numbers(inputs, valid, modality, (joints, shape.channels), "")
    return x, known[..., 0]


def take_sensors(
    inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], modality: str, shape: InputShape
) -> tuple[Tensor, Tensor]:
    """Return a modality's readings, zero where not valid (NaN too), and which are valid.

    Args:
        inputs: see `Batch.inputs`.
        valid: see `Batch.valid`; ``[B]``, ``[B, T]``, ``[B, T, S]`` or ``[B, T, S, C]``.
        modality: which one.
        shape: what the network was built for.

    Returns:
        ``[B, T, S, C]`` and bool of the same shape.

    Raises:
        ValueError: if the modality is missing or has another shape.
    """
    wanted = (shape.sensors, shape.channels)
    return _numbers(inputs, valid, modality, wanted, " State 'input.sensors' as it is in the data.")


def _numbers(
    inputs: Mapping[str, Tensor],
    valid: Mapping[str, Tensor],
    modality: str,
    wanted: tuple[int, int],
    remedy: str,
) -> tuple[Tensor, Tensor]:
    """Return numbers ``[B, T, *wanted]``, zero where not valid, and which are valid."""
    x = _take(inputs, modality)
    if x.dim() != 4 or x.shape[2:] != wanted:
        raise ValueError(
            f"Input {modality!r}: expected [B, T, {wanted[0]}, {wanted[1]}], found "
            f"{list(x.shape)}.{remedy}"
        )
    if modality not in valid:
        return x, torch.ones_like(x, dtype=torch.bool)
    mask = valid[modality]
    known = mask.view(*mask.shape, *(1,) * (4 - mask.dim())).expand(x.shape)
    return torch.where(known, x, torch.zeros((), dtype=x.dtype, device=x.device)), known


def _take(inputs: Mapping[str, Tensor], modality: str) -> Tensor:
    """Return a modality."""
    if modality not in inputs:
        found = ", ".join(inputs) or "none"
        raise ValueError(f"The network reads {modality!r}, but the batch holds: {found}.")
    return inputs[modality]
