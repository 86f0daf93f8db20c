"""Draw a `Prediction` on the frames it was made of: skeleton, 3D view, labels with bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image, ImageDraw

from onebody.inference.draw import (
    FAINT,
    PANEL,
    TASK_COLORS,
    Bar,
    compose,
    draw_skeleton,
    enlarge,
    font,
)
from onebody.inference.prediction import Prediction
from onebody.skeletons import Skeleton, get_skeleton
from onebody.types import Floats, Frames

VIEW_TURN = np.deg2rad(35.0)
"""The 3D view is turned about the vertical, so that depth shows."""


def draw_frames(
    prediction: Prediction, frames: Iterable[Frames], *, least_side_px: int = 480
) -> Iterator[Frames]:
    """Draw a prediction on its frames, one after another.

    Args:
        prediction: of T frames.
        frames: T pictures ``[H, W, 1 or 3]`` of one size, with the source's proportions.
        least_side_px: small pictures are enlarged to this shorter side.

    Yields:
        Pictures ``[H', W', 3]`` of one size: the frame, below it the labels, beside it a view of
        the 3D pose where there is one.

    Raises:
        ValueError: if there are more or fewer frames than predicted ones.
    """
    labels = prediction.frame_labels(3 if _single(prediction) else 1)
    tasks = sorted({label.task for row in labels for label in row})
    colors = {task: TASK_COLORS[i % len(TASK_COLORS)] for i, task in enumerate(tasks)}
    reach = {t: _bounds(p.joints) for t, p in prediction.poses.items() if p.unit == "mm"}
    bounds = {task: found for task, found in reach.items() if found is not None}
    count = 0
    for count, frame in enumerate(frames, start=1):
        if count > len(prediction):
            break
        i = count - 1
        picture, scale = enlarge(frame, least_side_px)
        scale *= frame.shape[0] / prediction.size[0]
        bars = [
            Bar(caption=x.task, text=x.name, value=x.probability, color=colors[x.task])
            for x in labels[i]
        ]
        _draw_poses(picture, prediction, i, scale)
        _draw_places(picture, prediction, i, scale)
        views = [_view(prediction, task, i, picture.height, bounds[task]) for task in bounds]
        yield compose(picture, views, bars, prediction.notice)
    if count != len(prediction):
        raise ValueError(
            f"{prediction.source}: {'more' if count > len(prediction) else count} frames given to "
            f"draw a prediction of {len(prediction)} frames. Give one frame per predicted frame."
        )


def _single(prediction: Prediction) -> bool:
    """Return whether one class task speaks for all (then its runners-up are shown too)."""
    return bool(prediction.joint_task) or len(prediction.classes) == 1


def _draw_poses(picture: Image.Image, prediction: Prediction, frame: int, scale: float) -> None:
    """Draw the 2D poses of one frame."""
    thickness = min(picture.size) / 110
    for pose in prediction.poses.values():
        if pose.unit == "px":
            joints = pose.joints[frame] * np.array([scale, scale, 1.0], np.float32)
            skeleton = get_skeleton(pose.skeleton)
            solid = bool(pose.measured[frame])
            draw_skeleton(picture, joints, skeleton, thickness=thickness, solid=solid)


def _draw_places(picture: Image.Image, prediction: Prediction, frame: int, scale: float) -> None:
    """Draw the boxes of one frame; thin where the network did not see it."""
    pen = ImageDraw.Draw(picture)
    for number, place in enumerate(prediction.places.values()):
        box = place.corners[frame].astype(np.float64) * scale
        if np.isfinite(box).all():
            x0, y0, x1, y1 = box.tolist()
            width = max(1, round(min(picture.size) / (150 if place.measured[frame] else 400)))
            color = TASK_COLORS[(2 + number) % len(TASK_COLORS)]
            pen.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), outline=color, width=width)


def _bounds(joints: Floats) -> tuple[Floats, float] | None:
    """Return the center and radius in mm of what a 3D pose reaches: its view is steady."""
    known = joints[np.isfinite(joints).all(axis=2)][:, :3]
    if not len(known):
        return None
    low, high = np.percentile(known, [1, 99], axis=0)
    return ((low + high) / 2).astype(np.float32), float(max((high - low).max() / 2, 1.0))


def _view(
    prediction: Prediction,
    task: str,
    frame: int,
    height: int,
    bounds: tuple[Floats, float],
) -> Image.Image:
    """Draw a 3D pose as seen from the side of the camera, without perspective."""
    width = round(0.6 * height)
    picture = Image.new("RGB", (width, height), PANEL)
    ImageDraw.Draw(picture).text(
        (width // 30, width // 30), task, FAINT, font(max(12, width // 16))
    )
    pose = prediction.poses[task]
    center, radius = bounds
    x, y, z = np.moveaxis(pose.joints[frame, :, :3] - center, -1, 0)
    turned = np.cos(VIEW_TURN) * x + np.sin(VIEW_TURN) * z
    zoom = 0.42 * min(width, height) / radius
    points = np.stack(
        [width / 2 + zoom * turned, height / 2 + zoom * y, pose.joints[frame, :, 3]], axis=1
    )
    skeleton: Skeleton = get_skeleton(pose.skeleton)
    solid = bool(pose.measured[frame])
    draw_skeleton(picture, points.astype(np.float32), skeleton, thickness=height / 110, solid=solid)
    return picture
