"""Skeletons of videos by a pose network of somebody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from onebody.datasets.pose_clip import Detection, PoseClip, read_json, refuse, to_numbers
from onebody.datasets.pose_tracks import stack_tracks
from onebody.inference.pose_models import BATCH, Box, PoseNetwork
from onebody.inference.reader import Medium, open_medium, read_pictures
from onebody.types import Frames

Boxes = Mapping[int, Sequence[tuple[Box, str]]]
"""By frame: where people are, and which person each is, if that is known."""

_ANYWHERE: Sequence[tuple[Box | None, str]] = ((None, "whole picture"),)


def extract_poses(
    source: str,
    network: PoseNetwork,
    joints: int,
    *,
    boxes: Boxes | None = None,
    fps: float | None = None,
) -> PoseClip:
    """Find the joints of the people in every frame of a video.

    Args:
        source: a video, or pictures.
        network: the pose network.
        joints: J of its layout.
        boxes: where people are; None: one person, anywhere in the picture.
        fps: frames per second; None: the medium's own.

    Raises:
        ValueError: if the medium cannot be read, or boxes are stated for frames it does not have.
    """
    medium = open_medium(source, fps=fps)
    count = medium.info.num_frames
    beyond = [t for t in boxes or {} if t >= count]
    if beyond:
        raise ValueError(
            f"{source}: expected boxes of frames 0 to {count - 1}, found one of {min(beyond)}. Are "
            "they of another video?"
        )
    frames: list[list[Detection]] = [[] for _ in range(count)]
    for chunk in _chunks(medium, boxes):
        found, scores = network.joints([c[1] for c in chunk], [c[2] for c in chunk])
        for i, (t, _, _, track) in enumerate(chunk):
            own = None if scores is None else scores[i]
            frames[t].append(Detection(joints=found[i], scores=own, track=track))
    clip = stack_tracks(frames, joints, 2)
    return replace(clip, name=Path(source).stem, fps=medium.fps)


def read_boxes(path: Path) -> Boxes:
    """Read boxes: a list of ``{image_id: frame from 0, bbox: [x, y, w, h], track_id}``.

    The same as COCO's results of detectors; ``track_id`` may be left out.

    Raises:
        ValueError: naming file and record, if one contradicts the form.
    """
    content = read_json(path)
    if not isinstance(content, list):
        refuse(path, "a list of boxes", type(content).__name__, "Write one entry a person.")
    boxes: dict[int, list[tuple[Box, str]]] = defaultdict(list)
    for number, record in enumerate(content):
        place = f"{path}: record {number}"
        frame = record.get("image_id") if isinstance(record, dict) else None
        if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
            refuse(place, "a frame from 0 on as image_id", repr(frame), "Number the frames.")
        x, y, w, h = to_numbers(place, record.get("bbox"), "'bbox'", (4,)).tolist()
        if w <= 0 or h <= 0:
            refuse(place, "a box with an area", [x, y, w, h], "Drop it.")
        track = record.get("track_id")
        boxes[frame].append(((x, y, w, h), "" if track is None else str(track)))
    return boxes


def _chunks(
    medium: Medium, boxes: Boxes | None
) -> Iterator[list[tuple[int, Frames, Box | None, str]]]:
    """Yield (frame, picture, box, track) of all people, a few at a time."""
    chunk: list[tuple[int, Frames, Box | None, str]] = []
    for t, picture in enumerate(read_pictures(medium.source, medium.info.num_frames)):
        for box, track in _ANYWHERE if boxes is None else boxes.get(t, ()):
            chunk.append((t, picture, box, track))
        if len(chunk) >= BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
