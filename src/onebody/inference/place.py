"""`PlaceAnswer`: where a task of boxes finds the person, in every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from onebody.inference.merge import PoseTrack
from onebody.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceAnswer:
    """What one task of boxes says.

    Attributes:
        corners: ``[T, 4]`` x0, y0, x1, y1 in source pixels.
        measured: ``[T]``: did the network see this frame? Others are interpolated between those
            that it saw.
    """

    corners: Floats
    measured: Bools

    def __post_init__(self) -> None:
        if self.corners.shape != (len(self.measured), 4) or self.measured.ndim != 1:
            raise ValueError(
                f"Boxes should be [T, 4] and measured [T], found {self.corners.shape} and "
                f"{self.measured.shape}."
            )

    def select(self, start: int, stop: int) -> PlaceAnswer:
        """Return frames ``start`` to ``stop``."""
        return replace(self, corners=self.corners[start:stop], measured=self.measured[start:stop])


class PlaceTrack:
    """Merges the boxes of overlapping windows as `PoseTrack` does joints: by two corners."""

    def __init__(self, num_frames: int) -> None:
        self._track = PoseTrack(num_frames)

    def add(self, frames: Ints, corners: Floats) -> None:
        """Add one window: ``[S]`` frame numbers and ``[S, 4]`` boxes there."""
        points = corners.reshape(len(corners), 2, 2)
        sure = np.ones((*points.shape[:2], 1), np.float32)
        self._track.add(frames, np.concatenate([points, sure], axis=2))

    def finish(self) -> PlaceAnswer:
        """Return the box of every frame.

        Raises:
            ValueError: if no window was added.
        """
        track, measured = self._track.finish()
        corners = track[..., :2].reshape(len(track), 4)
        return PlaceAnswer(corners=corners.astype(np.float32), measured=measured)
