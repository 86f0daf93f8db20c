"""Pictures with two white markers, and a network that reads their places: answers are known."""

from __future__ import annotations

import numpy as np
import torch

from onebody.data import ClassColumn, JointsColumn, SampleTable, make_table
from onebody.labels import LabelSpace
from onebody.models import Network
from onebody.skeletons import get_skeleton
from onebody.tasks.box import BoxTask
from onebody.tasks.classification import ClassificationTask
from onebody.tasks.pose2d import Pose2DTask

SKELETON = get_skeleton("mpii-16")
LEFT = np.array([a for a, _ in SKELETON.pairs])
RIGHT = np.array([b for _, b in SKELETON.pairs])
SPACE = LabelSpace("side", ("left", "right"), {"left": "right", "right": "left"})
RADIUS = 4
APART = np.array([18.0, 6.0])


def joints_of(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return ``[T, 16, 3]``: sides at their markers, the middle between them."""
    joints = np.repeat(((left + right) / 2)[:, None], len(SKELETON), axis=1)
    joints[:, LEFT], joints[:, RIGHT] = left[:, None], right[:, None]
    return np.concatenate([joints, np.ones((*joints.shape[:2], 1))], axis=2)


def paint(left: np.ndarray, right: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return ``[T, H, W, 3]`` with a white square around each marker (whole pixels)."""
    frames = np.zeros((len(left), height, width, 3), np.uint8)
    for t, points in enumerate(zip(left, right, strict=True)):
        for x, y in np.round(points).astype(int):
            frames[t, y - RADIUS : y + RADIUS, x - RADIUS : x + RADIUS] = 255
    return frames


def marker_table(folder, rows=4, frames=3, height=96, width=128, boxes=False) -> SampleTable:
    """Write rows whose left marker lies to the right, as of people who face the camera."""
    rng = np.random.default_rng(0)
    media, poses, found, side = [], [], [], []
    for row in range(rows):
        middle = rng.integers((35, 30), (width - 35, height - 30), (frames, 2)).astype(float)
        left, right = middle + APART, middle - APART
        np.save(folder / f"frames{row}.npy", paint(left, right, height, width))
        joints = joints_of(left, right)
        np.save(folder / f"joints{row}.npy", joints.astype(np.float32))
        media.append(str(folder / f"frames{row}.npy"))
        poses.append(str(folder / f"joints{row}.npy"))
        side.append(int(middle[:, 0].mean() > width / 2))
        low, high = joints[..., :2].min(axis=(0, 1)), joints[..., :2].max(axis=(0, 1))
        found.append([*low, *high])
    return make_table(
        "markers",
        {"rgb": media},
        columns={
            "pose": JointsColumn(sources=np.array(poses), skeleton=SKELETON.name, unit="px"),
            "side": ClassColumn(values=np.array(side), space=SPACE),
        },
        fps=[10.0] * rows,
        **({"box": np.array(found)} if boxes else {}),
    )


class Markers(Network):
    """Reads two markers: the one to the right is the person's left, for it faces the camera.

    Attributes:
        bias: added to every x and y, in crops.
        seen: crops to source pixels, of every Batch.
    """

    causal = False

    def __init__(self, bias: float = 0.0, space: LabelSpace = SPACE) -> None:
        super().__init__()
        self.tasks = {
            "pose": Pose2DTask(name="pose", column="pose", skeleton=SKELETON.name),
            "side": ClassificationTask(name="side", column="side", space=space),
        }
        self.bias, self.seen = bias, []

    def forward(self, batches, rows=None):
        (batch,), (asked,) = batches, rows
        self.seen.append(batch.context.crop_to_source)
        found = {"pose": self._pose(batch.inputs["rgb"].double())}
        where = found["pose"][..., :2].mean((1, 2))[:, 0]
        found["side"] = torch.stack([0.5 - where, where - 0.5], dim=1) * 4
        return [{name: (found[name][mask],) for name, mask in asked.items()}]

    def _pose(self, pictures):
        bright = pictures.mean(1)  # [B, T, S, S]
        size = bright.shape[-1]
        place = (torch.arange(size, dtype=torch.float64) + 0.5) / size
        total = bright.sum((2, 3))
        mean = (bright.sum(2) * place).sum(2) / total.clamp(min=1e-9)
        halves = [place[None, None] > mean[..., None], place[None, None] <= mean[..., None]]
        points = []
        for half in halves:
            own = bright * half[:, :, None]
            mass = own.sum((2, 3)).clamp(min=1e-9)
            x = (own.sum(2) * place).sum(2) / mass
            y = (own.sum(3) * place).sum(2) / mass
            points.append(torch.stack([x, y], dim=-1) + self.bias)
        left, right = points
        joints = ((left + right) / 2)[:, :, None].repeat(1, 1, len(SKELETON), 1)
        joints[:, :, LEFT], joints[:, :, RIGHT] = left[:, :, None], right[:, :, None]
        sure = (total > 0).double()[:, :, None, None].expand(*joints.shape[:3], 1)
        return torch.cat([joints, 0.9 * sure], dim=-1).float()

    def stream(self, frame, state):
        raise NotImplementedError

    def shared(self, tasks):
        return []


class Boxed(Markers):
    """Answers with the box around both markers, too, a margin of 1.5 around it."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks = {"place": BoxTask(name="place", column="pose", margin=1.5), **self.tasks}

    def forward(self, batches, rows=None):
        (batch,), (asked,) = batches, rows
        others = {name: mask for name, mask in asked.items() if name != "place"}
        (found,) = super().forward(batches, [others])
        if "place" in asked:
            points = self._pose(batch.inputs["rgb"].double())[..., :2]
            low, high = points.amin(2), points.amax(2)
            middle, half = (low + high) / 2, 0.75 * (high - low)
            found["place"] = (torch.cat([middle - half, middle + half], -1)[asked["place"]],)
        return [found]
