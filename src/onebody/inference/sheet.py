"""Contact sheets: samples of a dataset as a network sees them, with labels and joints drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from onebody.data import Batch, ClassColumn, InputSpec, SampleTable
from onebody.data.flow import is_flow
from onebody.inference.draw import FAINT, OUTLINE, PANEL, TEXT, draw_skeleton, fit, font
from onebody.labels import UNLABELED
from onebody.skeletons import get_skeleton
from onebody.types import Bools, Floats, Frames

LINE_PX = 18
GAP_PX = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """What a sheet shows of one sample.

    Attributes:
        name: how messages name its row.
        frames: ``[k, S, S, 3]`` pictures as the network gets them.
        captions: one line per label.
        joints: ``[k, J, 3]`` x, y as fractions of the picture and visibility; None: not labeled.
        skeleton: layout of the joints.
    """

    name: str
    frames: Frames
    captions: tuple[str, ...] = ()
    joints: Floats | None = None
    skeleton: str = ""


def skeleton_samples(
    table: SampleTable, batch: Batch, spec: InputSpec, *, pictures: int = 4
) -> list[Sample]:
    """Take the samples of a batch of skeletons apart for a sheet.

    Args:
        table: what the batch was made of.
        batch: its joints are drawn as the network gets them, seen along the third coordinate.
        spec: how it was made.
        pictures: how many frames of each clip are shown.
    """
    joints = batch.inputs[spec.modality][..., :2].numpy()  # [B, T, J, 2]
    known = np.ones(joints.shape[:3], np.bool_)
    if spec.modality in batch.valid:
        known = batch.valid[spec.modality].numpy()
    chosen = np.unique(np.linspace(0, joints.shape[1] - 1, pictures).round().astype(np.int64))
    blank = np.full((len(chosen), 8, 8, 3), PANEL, np.uint8)
    samples = []
    for i, row in enumerate(batch.context.row.tolist()):
        placed = np.where(known[i][..., None], _fit_square(joints[i], known[i]), np.nan)
        shown = np.concatenate([placed, np.ones((*placed.shape[:2], 1))], axis=2)
        samples.append(
            Sample(
                name=str(table.row_names[row]),
                frames=blank,
                captions=row_captions(table, row),
                joints=shown[chosen].astype(np.float32),
                skeleton=spec.skeleton,
            )
        )
    return samples


def batch_samples(
    table: SampleTable, batch: Batch, modality: str, skeletons: dict[str, str], *, pictures: int = 4
) -> list[Sample]:
    """Take the samples of a batch apart for a sheet.

    Args:
        table: what the batch was made of.
        batch: its inputs are what is shown; its joints targets are drawn.
        modality: which input is shown.
        skeletons: joint layout of each pose task; a row's first labeled one is drawn.
        pictures: how many frames of each clip are shown.
    """
    clips = batch.inputs[modality].numpy()  # [B, C, T, H, W]
    chosen = np.unique(np.linspace(0, clips.shape[2] - 1, pictures).round().astype(np.int64))
    samples = []
    for i, row in enumerate(batch.context.row.tolist()):
        frames = np.moveaxis(clips[i][:, chosen], 0, -1)  # [k, H, W, C]
        if is_flow(modality):
            frames = flow_colors(frames)
        frames = np.broadcast_to(frames, (*frames.shape[:-1], 3))
        joints, skeleton = _joints(batch, i, skeletons)
        samples.append(
            Sample(
                name=str(table.row_names[row]),
                frames=np.clip(np.rint(frames * 255), 0, 255).astype(np.uint8),
                captions=row_captions(table, row),
                joints=None if joints is None else joints[chosen],
                skeleton=skeleton,
            )
        )
    return samples


def flow_colors(flow: Floats) -> Floats:
    """Show optical flow: hue is its direction (red: rightward), brightness how fast it is.

    Args:
        flow: ``[..., 2]`` in [-1, 1], rightward and downward.

    Returns:
        ``[..., 3]`` RGB in [0, 1]; black where nothing moves.
    """
    from matplotlib.colors import hsv_to_rgb

    right, down = flow[..., 0], flow[..., 1]
    hue = np.arctan2(down, right) / (2 * np.pi) % 1.0
    speed = np.hypot(right, down).clip(0, 1) ** 0.5  # slow movements are to be seen, too
    return np.asarray(hsv_to_rgb(np.stack([hue, np.ones_like(hue), speed], axis=-1)), np.float32)


def row_captions(table: SampleTable, row: int) -> tuple[str, ...]:
    """Return one line per class label that a row carries."""
    lines = []
    for name, column in table.columns.items():
        if isinstance(column, ClassColumn) and column.values[row] != UNLABELED:
            lines.append(f"{name}: {column.space.classes[column.values[row]]}")
    return tuple(lines) or ("no class label",)


def draw_sheet(samples: Sequence[Sample], *, columns: int = 2, tile_px: int = 160) -> Frames:
    """Draw samples side by side.

    Args:
        samples: at least one.
        columns: how many samples stand in a row.
        tile_px: side of a picture.

    Returns:
        ``[H, W, 3]``.

    Raises:
        ValueError: if there is no sample.
    """
    if not samples:
        raise ValueError("There is no sample to show.")
    columns = min(columns, len(samples))
    pictures = max(len(sample.frames) for sample in samples)
    lines = 1 + max(len(sample.captions) for sample in samples)
    width = pictures * tile_px + GAP_PX
    height = tile_px + lines * LINE_PX + GAP_PX
    rows = -(-len(samples) // columns)
    sheet = Image.new("RGB", (columns * width + GAP_PX, rows * height + GAP_PX), PANEL)
    for i, sample in enumerate(samples):
        corner = (GAP_PX + (i % columns) * width, GAP_PX + (i // columns) * height)
        _draw_sample(sheet, corner, sample, tile_px, width - GAP_PX)
    return np.asarray(sheet)


def _draw_sample(
    sheet: Image.Image, corner: tuple[int, int], sample: Sample, tile_px: int, width: int
) -> None:
    """Draw one sample's pictures and, below them, its captions."""
    left, top = corner
    for k, frame in enumerate(sample.frames):
        tile = Image.fromarray(frame).resize((tile_px, tile_px), Image.Resampling.BICUBIC)
        if sample.joints is not None:
            joints = sample.joints[k] * np.array([tile_px, tile_px, 1.0], np.float32)
            skeleton = get_skeleton(sample.skeleton)
            draw_skeleton(tile, joints, skeleton, thickness=tile_px / 90)
        sheet.paste(tile, (left + k * tile_px, top))
        if k:
            seam = left + k * tile_px
            ImageDraw.Draw(sheet).line([(seam, top), (seam, top + tile_px - 1)], OUTLINE)
    pen = ImageDraw.Draw(sheet)
    letters = font(13)
    for i, text in enumerate((*sample.captions, sample.name)):
        color = FAINT if i == len(sample.captions) else TEXT
        row = top + tile_px + 2 + i * LINE_PX
        pen.text((left, row), fit(text, letters, width, pen), color, letters)


def _fit_square(joints: Floats, known: Bools) -> Floats:
    """Scale a clip's joints ``[T, J, 2]`` so that all that are known lie within a unit square."""
    if not known.any():
        return joints
    low, high = joints[known].min(axis=0), joints[known].max(axis=0)
    side = 1.15 * max(float((high - low).max()), 1e-6)  # with a margin
    return np.asarray((joints - (low + high) / 2) / side + 0.5)


def _joints(batch: Batch, i: int, skeletons: dict[str, str]) -> tuple[Floats | None, str]:
    """Return a sample's joints ``[T, J, 3]`` and their layout, where a pose task has a label."""
    for task, skeleton in skeletons.items():
        target = batch.targets.get(task)
        if target is not None and bool(target.present[i]):
            joints = target.value[i].float().numpy()
            known = np.ones(joints.shape[:2]) if target.mask is None else target.mask[i].numpy()
            shown = np.where(known, np.maximum(joints[..., -1], 0.3), np.nan)  # hidden ones too
            return np.concatenate([joints[..., :2], shown[..., None]], axis=2), skeleton
    return None, ""
