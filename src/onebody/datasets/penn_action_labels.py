"""The labels of Penn Action: one ``labels/0001.mat`` a video, and what is odd about some of them.

Fields: ``action`` and ``pose`` (the view) texts, ``x``, ``y``, ``visibility`` ``[T, 13]``,
``train`` 1 or -1, ``bbox`` ``[T, 4]``, ``dimensions`` H, W, T, and ``nframes``. Places count from 1
at the first pixel's center; of two joints the person's right one comes first. Many videos were
scaled after they had been annotated, and their joints with them.

The official files hold, and this reader copes with:

- joints that nobody annotated: they stand at the corner (1, 1), which the scaling made (s, s), and
  are not visible: 8 % of all joints of the training part;
- joints outside the picture: annotated, but not seen;
- boxes that are missing (one frame less than there are joints), empty or no numbers. The box of a
  video holds those of all other frames; where there are none, the joints that are seen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from onebody.config import nearest
from onebody.data.table import Numbers
from onebody.datasets.boxes import enclosing_box
from onebody.datasets.defects import Defect, ManifestError, shown
from onebody.datasets.matlab import mat_content
from onebody.types import Array, Bools, Floats

CLASSES = (
    "baseball_pitch", "baseball_swing", "bench_press", "bowl", "clean_and_jerk", "golf_swing",
    "jump_rope", "jumping_jacks", "pullup", "pushup", "situp", "squat", "strum_guitar",
    "tennis_forehand", "tennis_serve",
)  # fmt: skip
"""Class names; there is no official order but the alphabet's."""

VIEWS = ("front", "back", "left", "right")
"""From where the camera looks at the person."""

NUM_JOINTS = 13
_SPLITS = {1: "train", -1: "test"}
_FIELDS = ("action", "pose", "x", "y", "visibility", "train", "bbox", "dimensions", "nframes")
_CORNER = 3.0
"""Where a joint that nobody annotated may lie, px: at (s, s), s being the video's scale, which is
0.67 to 1.5 in the official files. No joint that is seen lies there."""
_MOST_PX = 1e5

OUTSIDE = "joints outside the picture: marked as not seen"
FEW_BOXES = "one box too few: those of the other frames are taken"
BAD_BOXES = "boxes that are empty or no numbers: those of the other frames are taken"
NO_BOX = "no usable box: the joints that are seen tell where the person is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """What is annotated of one video.

    Attributes:
        name: its number as the official files spell it ("0001").
        action: one of `CLASSES`.
        view: one of `VIEWS`.
        split: ``train`` or ``test``.
        joints: ``[T, 13, 3]`` pixels (centers at i + 0.5) and visibility.
        size: height and width of the pictures.
        box: ``[4]`` x0, y0, x1, y1 in pixels of the boxes in all frames; NaN: nobody is seen.
        odd: what is odd about the label and could be coped with.
    """

    name: str
    action: str
    view: str
    split: str
    joints: Floats
    size: tuple[int, int]
    box: Numbers
    odd: tuple[str, ...] = ()


def read_label(file: Path) -> Video:
    """Read one official label.

    Raises:
        ImportError: if scipy is not installed.
        ValueError: names the file and the field that is missing, damaged or contradicts another.
    """
    found = mat_content(file, _FIELDS)
    lost = [name for name in _FIELDS if name not in found]
    if lost:
        _refuse(file, lost[0], "such a field", f"only {', '.join(found) or 'none'}")
    height, width, frames = _whole(file, "dimensions", found["dimensions"], 3)
    if min(height, width, frames) < 1:
        _refuse(file, "dimensions", "H, W and T above 0", str((height, width, frames)))
    (count,) = _whole(file, "nframes", found["nframes"], 1)
    if count != frames:
        _refuse(file, "nframes", f"{frames} as in 'dimensions'", str(count))
    x, y, seen = (_series(file, n, found[n], frames) for n in ("x", "y", "visibility"))
    if not np.isin(seen, (0, 1)).all():
        _refuse(file, "visibility", "0 or 1", shown(float(seen[~np.isin(seen, (0, 1))][0])))
    if ((x == y) & (x <= 1) & (seen == 1)).any():
        _refuse(file, "visibility", "0 for joints at (1, 1), the mark of a missing one", "1")
    (part,) = _whole(file, "train", found["train"], 1)
    if part not in _SPLITS:
        _refuse(file, "train", "1 (training) or -1 (test)", str(part))
    joints = to_joints(np.stack([x, y], axis=-1), seen, (height, width))
    outside = is_outside(joints[..., :2], (height, width))  # of missing ones (NaN) it is False
    box, odd = to_box(_corners(file, found["bbox"], frames), joints, (height, width))
    return Video(
        name=file.stem,
        action=_text(file, "action", found["action"], CLASSES),
        view=_text(file, "pose", found["pose"], VIEWS),
        split=_SPLITS[part],
        joints=joints,
        size=(height, width),
        box=box,
        odd=((OUTSIDE,) if outside.any() else ()) + odd,
    )


def to_joints(places: Numbers, seen: Numbers, size: tuple[int, int]) -> Floats:
    """Bring joints into the house's form.

    Args:
        places: ``[T, 13, 2]`` x and y, which count from 1.
        seen: ``[T, 13]`` 0 or 1.
        size: height and width of the picture.

    Returns:
        ``[T, 13, 3]``: pixels with centers at i + 0.5, and visibility: 1 seen, 0 hidden or outside
        the picture, NaN (the places too) where nobody annotated the joint.
    """
    x, y = places[..., 0], places[..., 1]
    missing = (seen == 0) & (np.abs(x - y) < 1e-3) & (x <= _CORNER)
    pixels = places.astype(np.float32) - np.float32(0.5)
    visible = np.where(is_outside(pixels, size), 0, seen)
    joints = np.concatenate([pixels, visible[..., None]], axis=-1).astype(np.float32)
    joints[missing] = np.nan
    return joints


def to_box(
    boxes: Numbers, joints: Floats, size: tuple[int, int]
) -> tuple[Numbers, tuple[str, ...]]:
    """Make a video's box of the boxes in its frames, or of its joints where there are none.

    Args:
        boxes: ``[T, 4]`` x1, y1, x2, y2, which count from 1; one may be missing.
        joints: ``[T, 13, 3]`` as `to_joints` returns them.
        size: height and width of the picture.

    Returns:
        ``[4]`` pixels, and what is odd.
    """
    corners = boxes.reshape(-1, 2, 2) - 0.5
    height, width = size
    near = (np.abs(corners) < _MOST_PX).all((1, 2))  # not of NaN
    good = near & (corners[:, 1] > corners[:, 0]).all(1)
    good &= (corners[:, 1] > 0).all(1) & (corners[:, 0] < [width, height]).all(1)
    few = (FEW_BOXES,) if len(boxes) < len(joints) else ()
    odd = few if good.all() else (*few, BAD_BOXES)
    box = enclosing_box(corners[good], size)
    if np.isfinite(box).all():
        return box, odd
    return joint_box(joints, size), (*few, NO_BOX)


def joint_box(joints: Floats, size: tuple[int, int]) -> Numbers:
    """Return the box ``[4]`` around the joints ``[T, 13, 3]`` that are seen in any frame."""
    return enclosing_box(joints[joints[..., 2] == 1][:, :2], size)


def is_outside(pixels: Floats, size: tuple[int, int]) -> Bools:
    """Return ``[..., J]``: which places ``[..., J, 2]`` lie outside a picture (height, width)?"""
    return np.asarray(((pixels < 0) | (pixels > [size[1], size[0]])).any(-1))


def summary(videos: list[Video]) -> str:
    """Say of how many videos what is odd; empty: nothing is."""
    counts = Counter(odd for video in videos for odd in video.odd)
    first = {odd: video.name for video in reversed(videos) for odd in video.odd}
    return "; ".join(f"{n} videos (first: {first[odd]}) have {odd}" for odd, n in counts.items())


def _corners(file: Path, boxes: Array, frames: int) -> Numbers:
    """Return boxes ``[T, 4]`` (or one less); refuse what is no such thing."""
    if boxes.dtype.kind not in "iuf" or boxes.ndim != 2 or boxes.shape[1] != 4:
        _refuse(file, "bbox", f"numbers [{frames}, 4]", f"{boxes.dtype} {list(boxes.shape)}")
    if len(boxes) not in (frames, frames - 1):
        _refuse(file, "bbox", f"{frames} boxes (or one less)", str(len(boxes)))
    return boxes.astype(np.float64)


def _series(file: Path, name: str, values: Array, frames: int) -> Numbers:
    """Return numbers ``[T, 13]``, none of them far from any picture."""
    if values.dtype.kind not in "biuf" or values.shape != (frames, NUM_JOINTS):
        found = f"{values.dtype} {list(values.shape)}"
        _refuse(file, name, f"numbers [{frames}, {NUM_JOINTS}]", found)
    numbers = values.astype(np.float64)
    wrong = numbers[~(np.abs(numbers) < _MOST_PX)]  # NaN too
    if len(wrong):
        _refuse(file, name, f"finite numbers below {_MOST_PX:g}", shown(float(wrong[0])))
    return numbers


def _whole(file: Path, name: str, values: Array, count: int) -> list[int]:
    """Return so many whole numbers."""
    good = values.dtype.kind in "iuf" and values.size == count
    if not good or not (np.isfinite(values) & (values == np.floor(values))).all():
        text = shown(values.ravel()[:4].tolist())
        _refuse(file, name, f"whole numbers ({count})", text)
    return [int(value) for value in values.ravel()]


def _text(file: Path, name: str, values: Array, known: tuple[str, ...]) -> str:
    """Return one of the texts that may stand in a field."""
    text = str(values.ravel()[0]) if values.dtype.kind == "U" and values.size == 1 else ""
    if text not in known:
        found = shown(text) if text else f"{values.dtype} {list(values.shape)}"
        hint = nearest(text, known)  # where none is near it would name all of them again
        remedy = "Fetch the labels again." if hint.startswith("Known") else hint
        _refuse(file, name, f"one of {', '.join(known)}", found, remedy)
    return text


def _refuse(
    file: Path, name: str, expected: str, found: str, remedy: str = "Fetch the labels again."
) -> NoReturn:
    """Raise the error that names file and field."""
    raise ManifestError(
        Defect(file=str(file), record=0, field=name, expected=expected, found=found, remedy=remedy)
    )
