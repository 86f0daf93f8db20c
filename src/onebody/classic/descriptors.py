"""`PartDescriptors`: what every part of the body does in every frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import numpy as np

from onebody.classic.clips import Clip, check_clips
from onebody.classic.parts import TRUNK, Part, stated_parts
from onebody.classic.transformer import ListTransformer
from onebody.data.joints import bone_length, root_path
from onebody.skeletons import Skeleton, get_skeleton
from onebody.types import Floats

_HALF_WINDOW_S = 1 / 15
"""Half of the time that a velocity is taken over: longer than the sensor's trembling."""


class PartDescriptors(ListTransformer):
    """Turn skeleton clips into descriptors of parts, frame by frame.

    A descriptor holds the positions of the part's joints and their velocities. Lengths are in mean
    bones of the clip, so that people of every size and data in every unit look alike; velocities
    are per second. Both are divided by their own root mean square over the training clips, so that
    neither outweighs the other. A part's descriptor has NaN where a joint is missing.

    Args:
        skeleton: name of the joint layout.
        parts: part to its joints; empty: head and torso, arms, legs (see `body_parts`).
        reference: positions are relative to the ``hip`` of the frame, or to the joint that the
            ``part`` hangs from (which then has none itself); those of ``head_torso`` and of parts
            of one joint always to the hip.
        velocity: weight of velocities beside positions; 0 leaves them out.

    Attributes:
        parts_: the parts.
        dims_: coordinates of the training clips.
        scales_: ``[P]`` root mean square of (positions, velocities) of each part.
    """

    def __init__(
        self,
        skeleton: str = "kinect-20",
        parts: Mapping[str, Sequence[str]] | None = None,
        reference: Literal["hip", "part"] = "part",
        velocity: float = 1.0,
    ) -> None:
        self.skeleton = skeleton
        self.parts = parts
        self.reference = reference
        self.velocity = velocity

    def fit(self, X: Sequence[Clip], y: object = None) -> Self:
        """Learn the scales of positions and velocities from training clips.

        Raises:
            ValueError: if clips do not fit the layout, or a part is never seen.
        """
        del y
        if self.reference not in ("hip", "part"):
            raise ValueError(f"reference: expected 'hip' or 'part', found {self.reference!r}.")
        layout = get_skeleton(self.skeleton)
        self.dims_ = check_clips(X, len(layout))
        self.parts_ = stated_parts(layout, self.parts or {})
        raw = [self._raw(clip, layout) for clip in X]
        self.scales_ = [
            (_rms([parts[p][0] for parts in raw]), _rms([parts[p][1] for parts in raw]))
            for p in range(len(self.parts_))
        ]
        return self

    def transform(self, X: Sequence[Clip]) -> list[list[Floats]]:
        """Return, per clip, the descriptors ``[T, C]`` of each part; NaN where joints are missing.

        Raises:
            ValueError: if clips do not fit the layout, or have other coordinates than in training.
        """
        layout = get_skeleton(self.skeleton)
        dims = check_clips(X, len(layout))
        if dims != self.dims_:
            raise ValueError(f"Expected {self.dims_} coordinates as in training, found {dims}.")
        return [self._scaled(self._raw(clip, layout)) for clip in X]

    def _raw(self, clip: Clip, layout: Skeleton) -> list[tuple[Floats, Floats]]:
        """Return positions and velocities ``[T, C]`` of each part in bones and seconds."""
        known = np.asarray(np.isfinite(clip.joints).all(axis=-1))
        filled = np.where(known[..., None], clip.joints, np.float32(0))[None]
        size = float(bone_length(filled, known[None], layout)[0, 0, 0, 0])
        joints = np.where(known[..., None], clip.joints, np.float32(np.nan))
        joints = (joints - root_path(filled, known[None], layout)[0]) / np.float32(size)
        return [self._part(joints, part, clip.fps) for part in self.parts_]

    def _part(self, joints: Floats, part: Part, fps: float) -> tuple[Floats, Floats]:
        """Return one part's positions and velocities ``[T, C]``."""
        own = joints[:, list(part.joints)]
        if self.reference == "part" and part.name != TRUNK and len(part.joints) > 1:
            own = own[:, 1:] - own[:, :1]
        flat = own.reshape(len(own), -1)
        return flat, velocities(flat, fps)

    def _scaled(self, parts: list[tuple[Floats, Floats]]) -> list[Floats]:
        """Bring positions and velocities to one scale and join them."""
        joined = []
        for (positions, speeds), (place, speed) in zip(parts, self.scales_, strict=True):
            both = [positions / place, speeds * (self.velocity / speed)]
            joined.append(np.concatenate(both if self.velocity else both[:1], axis=1))
        return joined


def velocities(values: Floats, fps: float) -> Floats:
    """Return ``[T, C]`` change per second over a window that narrows at both ends.

    NaN where an end of the window is missing; a clip of one frame stands still.
    """
    frames = np.arange(len(values))
    half = max(1, round(_HALF_WINDOW_S * fps))
    low, high = np.maximum(frames - half, 0), np.minimum(frames + half, len(values) - 1)
    seconds = np.maximum(high - low, 1)[:, None] / fps
    return np.asarray((values[high] - values[low]) / seconds, np.float32)


def _rms(parts: Sequence[Floats]) -> float:
    """Return the root mean square of what is known; 1 where nothing is or all is zero."""
    flat = np.concatenate([part.ravel() for part in parts])
    flat = flat[np.isfinite(flat)]
    found = float(np.sqrt(np.mean(flat.astype(np.float64) ** 2))) if len(flat) else 0.0
    return found or 1.0
