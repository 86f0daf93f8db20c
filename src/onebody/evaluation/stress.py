"""Graded changes that a test makes to its rows, to see what a network bears.

A stress has five strengths, of which the first changes nothing. What can be said of a row before
it is read (crop, color, noise, tempo, view) is an `AugmentConfig` whose ranges hold one value; blur
and missing frames are made of the finished batch. All of it depends on a row's number in its table
alone, so that two networks are tested on the very same pictures.

Source: five graded strengths per change follow Hendrycks and Dietterich, "Benchmarking Neural
Network Robustness to Common Corruptions and Perturbations", ICLR 2019 (arXiv 1903.12261). The
changes and their strengths are our own: those that cameras, rooms and trackers make.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from onebody.config import lookup
from onebody.data import AugmentConfig, Batch, InputSpec, Source
from onebody.types import Bools

PICTURES = ("rgb", "depth", "silhouette")
SKELETON = ("skeleton",)

_SEED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """One kind of change.

    Attributes:
        modalities: media that it can be made to.
        unit: of its strengths.
        levels: strengths, ascending from the clean one.
        summary: one line about it.
        augment: strength to what is varied when rows are read; None: nothing.
        change: batch and strength to a changed batch; None: nothing.
        in_time: whether it needs clips of several frames.
    """

    modalities: tuple[str, ...]
    unit: str
    levels: tuple[float, ...]
    summary: str
    augment: Callable[[float], AugmentConfig] | None = None
    change: Callable[[Batch, float], Batch] | None = None
    in_time: bool = False

    def fits(self, spec: InputSpec) -> bool:
        """Whether a network that reads this can be put under it."""
        if spec.also:  # what a change of one medium means for the others is not said
            return False
        kind = spec.modality.split("/")[0]
        return kind in self.modalities and not (self.in_time and spec.frames == 1)

    def apply(self, source: Source, level: float) -> Source:
        """Return a source whose test rows are read under the stress (see also `changed`)."""
        return source if self.augment is None else replace(source, change=self.augment(level))

    def changed(self, batch: Batch, level: float) -> Batch:
        """Return a batch of such a source with what is changed after reading."""
        return batch if self.change is None else self.change(batch, level)


def stress_names(spec: InputSpec) -> tuple[str, ...]:
    """Return the names of the stresses that a network's input can be put under."""
    return tuple(name for name, stress in STRESSES.items() if stress.fits(spec))


def get_stress(name: str) -> Stress:
    """Return a stress.

    Raises:
        ValueError: if there is none of that name; names the nearest.
    """
    return lookup(STRESSES, name, "stress")


def blur(batch: Batch, level: float) -> Batch:
    """Blur pictures with a Gaussian.

    Args:
        batch: of pictures ``[B, C, T, S, S]``.
        level: standard deviation in percent of the picture's side.
    """
    if level == 0:
        return batch
    return _with_pictures(batch, lambda pictures: _blurred(pictures, level / 100))


def drop_frames(batch: Batch, level: float) -> Batch:
    """Lose frames. A picture that is lost shows the last one that came; joints are missing.

    The same frames are lost of a row at every strength, and more. One frame always comes: of
    pictures the first.

    Args:
        batch: of pictures ``[B, C, T, S, S]`` or joints ``[B, T, J, C]``.
        level: percent of the frames that are lost, rounded up.
    """
    if level == 0:
        return batch
    lost = torch.from_numpy(_lost(batch, level / 100)).to(batch.context.row.device)
    frames = torch.arange(batch.num_frames, device=lost.device)
    last = torch.where(lost, 0, frames).cummax(dim=1).values  # [B, T]
    inputs, valid = dict(batch.inputs), dict(batch.valid)
    for name, values in batch.inputs.items():
        if values.ndim == 5:
            index = last[:, None, :, None, None].expand_as(values)
            inputs[name] = values.gather(2, index)
        else:
            there = valid.get(name, values.new_ones((), dtype=torch.bool))
            there = there.reshape(*there.shape, *[1] * (3 - there.ndim)).expand(values.shape[:3])
            valid[name] = there & ~lost[..., None]
            inputs[name] = values * valid[name][..., None]
    return replace(batch, inputs=inputs, valid=valid)


def _lost(batch: Batch, share: float) -> Bools:
    """Return ``[B, T]``: which frames are lost; never the first of pictures, never all."""
    pictures = any(values.ndim == 5 for values in batch.inputs.values())
    frames = batch.num_frames
    count = min(math.ceil(share * frames), frames - 1)
    lost = np.zeros((len(batch), frames), np.bool_)
    for b, row in enumerate(batch.context.row.tolist()):
        order = np.random.default_rng([_SEED, row]).permutation(frames - pictures) + pictures
        lost[b, order[:count]] = True
    return lost


def _blurred(pictures: Tensor, deviation: float) -> Tensor:
    """Convolve ``[B, C, T, S, S]`` with a Gaussian; what lies outside repeats the border."""
    sigma = deviation * pictures.shape[-1]
    reach = max(math.ceil(3 * sigma), 1)
    places = torch.arange(-reach, reach + 1, dtype=torch.float32, device=pictures.device)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = kernel / kernel.sum()
    flat = pictures.reshape(-1, 1, *pictures.shape[-2:])
    flat = functional.pad(flat, (reach, reach, reach, reach), mode="replicate")
    flat = functional.conv2d(flat, kernel.view(1, 1, 1, -1))
    return functional.conv2d(flat, kernel.view(1, 1, -1, 1)).view(pictures.shape)


def _with_pictures(batch: Batch, function: Callable[[Tensor], Tensor]) -> Batch:
    """Change the pictures of a batch."""
    inputs = {k: function(v) if v.ndim == 5 else v for k, v in batch.inputs.items()}
    return replace(batch, inputs=inputs)


STRESSES: dict[str, Stress] = {
    "occlusion": Stress(
        modalities=PICTURES,
        unit="% of the side",
        levels=(0, 20, 35, 50, 65),
        summary="a black square at one place of all frames",
        augment=lambda level: AugmentConfig(
            erase=float(level > 0), erase_side=(level / 100 or 0.1,) * 2
        ),
    ),
    "scale": Stress(
        modalities=PICTURES,
        unit="x smaller",
        levels=(1, 1.25, 1.5, 2, 3),
        summary="people farther away",
        augment=lambda level: AugmentConfig(scale=(level, level)),
    ),
    "rotation": Stress(
        modalities=PICTURES + SKELETON,
        unit="degrees",
        levels=(0, 10, 20, 30, 45),
        summary="a camera that is not upright",
        augment=lambda level: AugmentConfig(rotate_deg=(level, level)),
    ),
    "view": Stress(
        modalities=SKELETON,
        unit="degrees",
        levels=(0, 15, 30, 45, 60),
        summary="a body turned about the vertical",
        augment=lambda level: AugmentConfig(turn_deg=(level, level)),
    ),
    "light": Stress(
        modalities=("rgb",),
        unit="% darker",
        levels=(0, 30, 50, 70, 85),
        summary="less light",
        augment=lambda level: AugmentConfig(brightness=(1 - level / 100,) * 2),
    ),
    "blur": Stress(
        modalities=PICTURES,
        unit="% of the side",
        levels=(0, 1, 2, 4, 8),
        summary="pictures out of focus, or of low resolution",
        change=blur,
    ),
    "noise": Stress(
        modalities=PICTURES,
        unit="of full scale",
        levels=(0, 0.03, 0.06, 0.12, 0.25),
        summary="Gaussian noise in every pixel",
        augment=lambda level: AugmentConfig(noise=(level, level)),
    ),
    "speed": Stress(
        modalities=PICTURES + SKELETON,
        unit="x faster",
        levels=(1, 1.25, 1.5, 2, 3),
        summary="faster movements; what comes after the end stands still",
        augment=lambda level: AugmentConfig(speed=(level, level)),
        in_time=True,
    ),
    "frames": Stress(
        modalities=PICTURES + SKELETON,
        unit="% of the frames",
        levels=(0, 12.5, 25, 50, 75),
        summary="frames that are lost",
        change=drop_frames,
        in_time=True,
    ),
    "joints": Stress(
        modalities=SKELETON,
        unit="% of the joints",
        levels=(0, 10, 20, 40, 60),
        summary="joints that are missing throughout, each by chance",
        augment=lambda level: AugmentConfig(drop_joints=level / 100),
    ),
    "jitter": Stress(
        modalities=SKELETON,
        unit="bone lengths",
        levels=(0, 0.05, 0.1, 0.2, 0.4),
        summary="Gaussian noise on every coordinate",
        augment=lambda level: AugmentConfig(jitter=(level, level)),
    ),
    "stature": Stress(
        modalities=SKELETON,
        unit="% shorter",
        levels=(0, 10, 20, 35, 50),
        summary="smaller bodies; nothing where the input's scale is bone",
        augment=lambda level: AugmentConfig(bones=(1 - level / 100,) * 2),
    ),
}
"""Stresses by name."""
