"""Draw what a stream says on its frames, one after another, in pictures of one size and layout.

`draw_frames` knows a whole prediction before it draws; a stream does not. Here the first frame
fixes the layout: later frames of another size are fitted into it, and answers that are missing
leave their place empty.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw

from onebody.inference.draw import (
    FAINT,
    OUTLINE,
    PANEL,
    TASK_COLORS,
    Bar,
    compose,
    draw_skeleton,
    enlarge,
    font,
)
from onebody.inference.prediction import Label, PoseAnswer, Prediction
from onebody.skeletons import get_skeleton
from onebody.types import Floats, Frames

VIEW_TURN = np.deg2rad(35.0)
"""The 3D view is turned about the vertical, so that depth shows."""

VIEW_RADIUS_MM = 1100.0
"""What the 3D view shows around the middle of a body: a standing adult with raised arms."""


class Annotator:
    """Draws frames of a stream.

    Attributes:
        notice: a line that stands in every picture, such as what the weights are good for.
        least_side_px: small pictures are enlarged to this shorter side, so that text can be read.
    """

    def __init__(self, notice: str = "", *, least_side_px: int = 480) -> None:
        self.notice, self.least_side_px = notice, least_side_px
        self._size: tuple[int, int] | None = None  # width, height of the picture's place
        self._views: tuple[str, ...] = ()
        self._tasks: tuple[str, ...] = ()

    def draw(
        self, frame: Frames, prediction: Prediction, current: Mapping[str, Label | None]
    ) -> Frames:
        """Draw one frame.

        Args:
            frame: ``[H, W, 1 or 3]``.
            prediction: of this one frame.
            current: what is going on, by class task; None: nothing.

        Returns:
            ``[H', W', 3]``, of the same size for every frame.
        """
        picture, scale, left, top = self._fitted(frame, prediction, tuple(current))
        for pose in prediction.poses.values():
            if pose.unit == "px":
                joints = pose.joints[0] * np.array([scale, scale, 1.0], np.float32)
                joints[:, :2] += np.array([left, top], np.float32)
                layout = get_skeleton(pose.skeleton)
                draw_skeleton(picture, joints, layout, thickness=min(picture.size) / 110)
        views = [_view(task, prediction.poses.get(task), picture.height) for task in self._views]
        return compose(picture, views, self._bars(current), self.notice, even=True)

    def _fitted(
        self, frame: Frames, prediction: Prediction, tasks: tuple[str, ...]
    ) -> tuple[Image.Image, float, float, float]:
        """Return a frame in its place, its scale there, and its left and upper edge."""
        picture, scale = enlarge(frame, self.least_side_px)
        if self._size is None:
            self._size = picture.size
            self._tasks = tasks
            self._views = tuple(name for name, p in prediction.poses.items() if p.unit == "mm")
        if picture.size == self._size:
            return picture, scale * frame.shape[0] / prediction.size[0], 0.0, 0.0
        factor = min(self._size[0] / picture.width, self._size[1] / picture.height)
        size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        whole = Image.new("RGB", self._size, OUTLINE)
        left, top = (self._size[0] - size[0]) // 2, (self._size[1] - size[1]) // 2
        whole.paste(picture.resize(size, Image.Resampling.BICUBIC), (left, top))
        return whole, size[1] / prediction.size[0], float(left), float(top)

    def _bars(self, current: Mapping[str, Label | None]) -> list[Bar]:
        """Return a line per class task, of which there is one even where nothing goes on."""
        found = {task: current.get(task) for task in self._tasks}
        return [
            Bar(
                caption=task,
                text=label.name if label else "nothing",
                value=label.probability if label else float("nan"),
                color=TASK_COLORS[number % len(TASK_COLORS)],
            )
            for number, (task, label) in enumerate(found.items())
        ]


def _view(task: str, pose: PoseAnswer | None, height: int) -> Image.Image:
    """Draw a 3D pose as seen from the side of the camera, without perspective."""
    width = round(0.6 * height)
    picture = Image.new("RGB", (width, height), PANEL)
    ImageDraw.Draw(picture).text(
        (width // 30, width // 30), task, FAINT, font(max(12, width // 16))
    )
    known = None if pose is None else pose.joints[0][np.isfinite(pose.joints[0]).all(axis=1), :3]
    if pose is None or known is None or not len(known):
        return picture
    center = ((known.min(axis=0) + known.max(axis=0)) / 2).astype(np.float32)
    x, y, z = np.moveaxis(pose.joints[0, :, :3] - center, -1, 0)
    zoom = 0.5 * min(width, height) / VIEW_RADIUS_MM
    turned = np.cos(VIEW_TURN) * x + np.sin(VIEW_TURN) * z
    points: Floats = np.stack(
        [width / 2 + zoom * turned, height / 2 + zoom * y, pose.joints[0, :, 3]], axis=1
    ).astype(np.float32)
    draw_skeleton(picture, points, get_skeleton(pose.skeleton), thickness=height / 110)
    return picture
