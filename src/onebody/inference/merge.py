"""Merge the poses of overlapping windows into one track, a pose for every frame."""

from __future__ import annotations

import numpy as np

from onebody.types import Bools, Floats, Ints


class PoseTrack:
    """Sums of weighted poses, one per frame; windows may come in any order.

    Where windows overlap, a pose counts by its confidence and by its place in the window (linearly
    less toward the ends, where a network has seen less of the movement), so the track does not jump
    where one window takes over from another. Frames that no window looked at are interpolated.
    """

    def __init__(self, num_frames: int) -> None:
        self.num_frames = num_frames
        self._sum: Floats | None = None  # [T, J, D + 1]: weighted coordinates, weighted confidence
        self._weight: Floats | None = None  # [T, J, 2]: weights of coordinates, of confidence

    def add(self, frames: Ints, joints: Floats) -> None:
        """Add one window.

        Args:
            frames: ``[S]`` frame numbers that the network looked at; repeats are allowed.
            joints: ``[S, J, D + 1]`` its poses there; the last channel is confidence. Poses with
                NaN are left out.
        """
        if self._sum is None or self._weight is None:
            self._sum = np.zeros((self.num_frames, *joints.shape[1:]), np.float32)
            self._weight = np.zeros((self.num_frames, joints.shape[1], 2), np.float32)
        known: Bools = np.all(np.isfinite(joints), axis=2)  # [S, J]
        joints = np.where(known[..., None], joints, 0.0)
        place = known * _taper(len(frames))[:, None]
        # A floor keeps the mean defined where the network trusts none of its poses.
        trust = place * np.maximum(joints[..., -1], 1e-3)
        np.add.at(self._sum[..., :-1], frames, joints[..., :-1] * trust[..., None])
        np.add.at(self._sum[..., -1], frames, joints[..., -1] * place)
        np.add.at(self._weight, frames, np.stack([trust, place], axis=-1))

    def finish(self) -> tuple[Floats, Bools]:
        """Return ``[T, J, D + 1]`` poses of every frame and ``[T]``: was the frame looked at?

        Raises:
            ValueError: if no window was added.
        """
        if self._sum is None or self._weight is None:
            raise ValueError("No window was added to the track.")
        seen = self._weight > 0
        divisor = np.where(seen, self._weight, np.nan)
        track = np.concatenate(
            [self._sum[..., :-1] / divisor[..., :1], self._sum[..., -1:] / divisor[..., 1:]], axis=2
        )
        measured: Bools = np.any(seen[..., 0], axis=1)
        return interpolate(track.astype(np.float32)), measured


def interpolate(track: Floats) -> Floats:
    """Fill unknown frames of ``[T, J, D + 1]``: linearly between known ones, held at the ends.

    A joint that is known in no frame stays NaN.
    """
    filled = track.reshape(len(track), -1).copy()
    frames = np.arange(len(track))
    for column in filled.T:
        known = np.isfinite(column)
        if known.any() and not known.all():
            column[~known] = np.interp(frames[~known], frames[known], column[known])
    return filled.reshape(track.shape)


def _taper(length: int) -> Floats:
    """Return ``[S]`` weights rising linearly to the middle of a window and falling after it."""
    places = np.arange(length)
    return np.asarray(np.minimum(places + 1, length - places) / ((length + 1) // 2), np.float32)
