"""Hide faces: what stays sharp is a body that the network is sure of, without its head.

Fails closed. A picture is blurred whole, and then only the place of the followed person's body is
taken back, but for a disk around everything that belongs to the head. Where no head is surely
found, the whole person stays blurred; where no person is found, the whole picture. People whom the
network does not follow are background, and so are blurred as well.

A network that is sure of a wrong place is believed: this is as good as its confidences are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image

from onebody.inference.prediction import Prediction
from onebody.skeletons import Skeleton, get_skeleton
from onebody.types import Bools, Floats, Frames

SURE = 0.5
"""A joint is found where its confidence is at least this."""

HINTED = 0.1
"""Parts of a head that are less sure than `SURE` but more than this are hidden as well."""

HEAD_RADII: dict[tuple[str, str], float] = {
    ("l_shoulder", "r_shoulder"): 0.57,
    ("l_shoulder", "l_hip"): 0.45,
    ("r_shoulder", "r_hip"): 0.45,
    ("thorax", "pelvis"): 0.45,
    ("neck", "head_top"): 0.9,
    ("neck", "head"): 1.3,
    ("thorax", "head"): 0.8,
    ("l_shoulder", "l_elbow"): 0.75,
    ("r_shoulder", "r_elbow"): 0.75,
    ("l_ear", "r_ear"): 1.6,
    ("l_eye", "r_eye"): 3.5,
}
"""How far a head reaches from any of its joints, per length between two points of the body: 0.13 of
a person's height. The longest answer counts, for lengths look shorter when they point at the
camera."""

EXTENT_RADIUS = 0.13
"""The same per longer side of the box around the joints that are found."""

MARGIN = 0.15
"""The body reaches beyond its joints by this part of their box."""

BLOCKS = 10
"""Most details along its shorter side that a blurred picture keeps, be it a face close by."""

Mask = npt.NDArray[np.float32]


def blur_faces(picture: Frames, people: Iterable[Prediction]) -> Frames:
    """Return a picture in which nobody can be recognized by the face.

    Args:
        picture: ``[H, W, 1 or 3]``.
        people: the prediction of this one frame for everybody who is followed; their 2D poses are
            in pixels, and the picture has their proportions.

    Returns:
        A picture of the same shape; the given one is left alone.

    Raises:
        ValueError: if a prediction has not exactly one frame.
    """
    height, width = picture.shape[:2]
    bodies = list(_bodies(people, height, width))
    sharp = np.zeros((height, width), np.float32)
    for joints, _ in bodies:
        sharp = np.maximum(sharp, _body(joints, height, width))
    radius = 0.0
    for joints, layout in bodies:  # after all bodies: one person's body never shows another's head
        reach = head_radius(joints, layout)
        radius = max(radius, reach)
        for x, y in _head_places(joints, layout):
            _hide(sharp, x, y, reach)
    return _join(picture, sharp, radius)


def in_head(skeleton: Skeleton) -> Bools:
    """Return ``[J]``: does a joint lie in the head?"""
    parts = ("head", "nose", "eye", "ear", "mouth", "chin", "face")
    named = [
        {word for point in points for word in point.split("_")} & set(parts)
        for points in skeleton.points
    ]
    return np.array([bool(words) for words in named])


def head_radius(joints: Floats, skeleton: Skeleton) -> float:
    """Return how far a head reaches from its joints, in pixels; 0: there is nothing to tell.

    Args:
        joints: ``[J, 3]`` x, y in pixels and confidence.
        skeleton: their layout.
    """
    place = {points[0]: j for j, points in enumerate(skeleton.points) if joints[j, 2] >= SURE}
    lengths = [
        factor * float(np.hypot(*(joints[place[a], :2] - joints[place[b], :2])))
        for (a, b), factor in HEAD_RADII.items()
        if a in place and b in place
    ]
    if not lengths:
        return 0.0
    known = joints[joints[:, 2] >= SURE, :2]
    extent = float((known.max(axis=0) - known.min(axis=0)).max())
    return max(*lengths, EXTENT_RADIUS * extent)


def _bodies(
    people: Iterable[Prediction], height: int, width: int
) -> Iterator[tuple[Floats, Skeleton]]:
    """Yield joints ``[J, 3]`` in pixels of the picture, of each pose whose head is found."""
    for prediction in people:
        if len(prediction) != 1:
            raise ValueError(
                f"{prediction.source}: expected the prediction of one frame to blur by, found "
                f"{len(prediction)}. Cut it with prediction[i]."
            )
        scale = np.array([width / prediction.size[1], height / prediction.size[0], 1.0], np.float32)
        for pose in prediction.poses.values():
            if pose.unit == "px":
                joints = _seen(pose.joints[0] * scale, height, width)
                layout = get_skeleton(pose.skeleton)
                if _head_is_found(joints, layout):
                    yield joints, layout


def _seen(joints: Floats, height: int, width: int) -> Floats:
    """Return joints ``[J, 3]``; those that are unknown or outside the picture have confidence 0."""
    x, y, sure = joints[:, 0], joints[:, 1], joints[:, 2]
    with np.errstate(invalid="ignore"):
        inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height) & (sure >= 0)
    return np.where(inside[:, None], joints, 0.0).astype(np.float32)


def _head_is_found(joints: Floats, skeleton: Skeleton) -> bool:
    """Whether a head is surely in the picture, and how large it is can be told."""
    sure = bool((joints[in_head(skeleton), 2] >= SURE).any())
    return sure and head_radius(joints, skeleton) >= 1.0


def _head_places(joints: Floats, skeleton: Skeleton) -> Iterator[tuple[float, float]]:
    """Yield what a disk is laid around: the head's joints, and the middles between them."""
    shown = in_head(skeleton) & (joints[:, 2] >= HINTED)
    places = joints[shown, :2].astype(np.float64)
    for first, second in product(places, places):  # a joint with itself: the joint
        x, y = (first + second) / 2
        yield float(x), float(y)


def _body(joints: Floats, height: int, width: int) -> Mask:
    """Return ``[H, W]``: 1 within the body's box, falling to 0 at its rim, 0 outside."""
    known = joints[joints[:, 2] >= SURE, :2]
    low, high = known.min(axis=0), known.max(axis=0)
    margin = MARGIN * float((high - low).max())
    ramp = max(margin / 2, 1.0)
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    along_y = np.minimum(rows - (low[1] - margin), (high[1] + margin) - rows) / ramp
    along_x = np.minimum(columns - (low[0] - margin), (high[0] + margin) - columns) / ramp
    inside = np.minimum(along_y[:, None], along_x[None])
    return np.clip(inside, 0.0, 1.0).astype(np.float32)


def _hide(sharp: Mask, x: float, y: float, radius: float) -> None:
    """Take a disk out of a mask ``[H, W]``, with a soft rim outside of it."""
    reach = 1.2 * radius
    top, left = max(int(y - reach), 0), max(int(x - reach), 0)
    part = sharp[top : int(y + reach) + 2, left : int(x + reach) + 2]
    rows = np.arange(part.shape[0]) + top + 0.5 - y
    columns = np.arange(part.shape[1]) + left + 0.5 - x
    away = np.hypot(rows[:, None], columns[None]) - radius
    np.minimum(part, np.clip(away / (reach - radius), 0.0, 1.0).astype(np.float32), out=part)


def _join(picture: Frames, sharp: Mask, radius: float) -> Frames:
    """Show a picture where a mask is 1, and hardly anything of it where the mask is 0."""
    grey = picture.shape[2] == 1
    given = Image.fromarray(picture[..., 0] if grey else picture)
    block = max(min(given.size) / BLOCKS, radius / 2.5, 1.0)
    size = (max(1, round(given.width / block)), max(1, round(given.height / block)))
    hidden = given.resize(size, Image.Resampling.BOX).resize(given.size, Image.Resampling.BICUBIC)
    mask = Image.fromarray((255.0 * sharp).astype(np.uint8))
    joined = np.asarray(Image.composite(given, hidden, mask))
    return joined[..., None] if grey else joined
