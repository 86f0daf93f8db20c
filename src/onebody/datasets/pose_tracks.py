"""People through the frames of a recording: who is who, and who becomes a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from onebody.datasets.pose_clip import Detection, PoseClip
from onebody.types import Bools, Floats

Person = Literal["score", "extent", "all"]
"""Which of several people becomes a sample: the surest one, the largest one, or each of them."""


def persons_of(clip: PoseClip, person: Person) -> list[int]:
    """Choose the people of a recording who become samples.

    A person counts by all frames in which any joint is known, so that somebody who is seen
    throughout outweighs a passer-by.

    Args:
        clip: the recording.
        person: ``score``: the largest sum of the frames' mean confidence (without any stated, the
            most frames); ``extent``: the largest sum of the frames' box diagonals; ``all``.

    Returns:
        Indices of people with any known joint, the chosen one or all of them in order.
    """
    known: Bools = np.asarray(np.isfinite(clip.joints).all(-1))  # [P, T, J]
    there = np.flatnonzero(known.any((1, 2)))
    if person == "all" or len(there) < 2:
        return [int(p) for p in there]
    if person == "extent":
        worth = _diagonals(clip.joints).sum(axis=1)
    else:
        sure = known.astype(np.float32) if clip.scores is None else np.nan_to_num(clip.scores)
        worth = np.where(known, sure, 0).sum(axis=2).sum(axis=1) / known.shape[2]
    return [int(there[np.argmax(worth[there])])]


def stack_tracks(frames: Sequence[Sequence[Detection]], joints: int, dims: int) -> PoseClip:
    """Join detections frame by frame into people, see `link`.

    Args:
        frames: detections of every frame; a frame may have none.
        joints: J.
        dims: D.

    Returns:
        A recording without a name.
    """
    tracks = link(frames)
    stacked = np.full((len(tracks), len(frames), joints, dims), np.nan, np.float32)
    stated = [d.scores is not None for frame in frames for d in frame]
    scores = np.full(stacked.shape[:3], np.nan, np.float32) if any(stated) else None
    for p, track in enumerate(tracks):
        for t, detection in track.items():
            stacked[p, t] = detection.joints
            if scores is not None and detection.scores is not None:
                scores[p, t] = detection.scores
    return PoseClip(name="", joints=stacked, scores=scores)


def link(frames: Sequence[Sequence[Detection]], memory: int = 30) -> list[dict[int, Detection]]:
    """Say which detections of successive frames are the same person.

    Detections with a stated track are joined by it. The others join, nearest pair first, the track
    whose last pose lies at most half its own diagonal away (mean over the joints that both know)
    and was seen at most ``memory`` frames ago; whoever joins none begins a track.

    Returns:
        For each person, detection by frame, in order of first appearance.
    """
    tracks: list[dict[int, Detection]] = []
    names: dict[str, dict[int, Detection]] = {}
    for t, frame in enumerate(frames):
        loose = [d for d in frame if not d.track]
        near = [k for k in tracks if (last := _last(k)) >= t - memory and not k[last].track]
        pairs = [
            (gap, i, j)
            for i, detection in enumerate(loose)
            for j, track in enumerate(near)
            if (gap := _gap(track[_last(track)], detection)) <= 0.5
        ]
        used: tuple[set[int], set[int]] = (set(), set())
        for _, i, j in sorted(pairs):
            if i not in used[0] and j not in used[1]:
                used[0].add(i)
                used[1].add(j)
                near[j][t] = loose[i]
        tracks += [{t: d} for i, d in enumerate(loose) if i not in used[0]]
        for detection in frame:
            if detection.track in names:
                names[detection.track][t] = detection
            elif detection.track:
                tracks.append(names.setdefault(detection.track, {t: detection}))
    return tracks


def _last(track: dict[int, Detection]) -> int:
    """Return the latest frame of a track, which was the last to be added."""
    return next(reversed(track))


def _gap(last: Detection, new: Detection) -> float:
    """Return how far two poses are apart in diagonals of the first; infinite without a clue."""
    both = np.isfinite(last.joints).all(-1) & np.isfinite(new.joints).all(-1)
    size = float(_diagonals(last.joints))
    if not both.any() or not size > 0:
        return float("inf")
    return float(np.linalg.norm(last.joints[both] - new.joints[both], axis=-1).mean()) / size


def _diagonals(joints: Floats) -> Floats:
    """Return ``[...]`` the diagonals of the boxes around joints ``[..., J, D]``; 0 without any."""
    known: Bools = np.asarray(np.isfinite(joints).all(-1, keepdims=True))
    low = np.where(known, joints, np.inf).min(-2)
    high = np.where(known, joints, -np.inf).max(-2)
    span = np.where(known.any(-2), high - np.where(np.isfinite(low), low, 0), 0)
    return np.asarray(np.linalg.norm(np.maximum(span, 0), axis=-1), np.float32)
