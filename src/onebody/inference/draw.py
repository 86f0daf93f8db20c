"""Drawing primitives: skeletons colored by side, bars with text. Pillow only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from onebody.skeletons import Skeleton
from onebody.types import Floats, Frames

Side = Literal["left", "right", "middle"]
Color = tuple[int, int, int]

# Told apart by people who confuse red and green, and against skin, grass and walls.
SIDE_COLORS: dict[Side, Color] = {
    "left": (255, 159, 28),
    "right": (46, 196, 255),
    "middle": (240, 240, 240),
}
OUTLINE: Color = (16, 18, 24)
PANEL: Color = (24, 27, 34)
TEXT: Color = (245, 246, 248)
FAINT: Color = (150, 156, 168)
TASK_COLORS: tuple[Color, ...] = (
    (102, 214, 120),
    (186, 140, 255),
    (255, 201, 74),
    (90, 170, 255),
)


def joint_sides(skeleton: Skeleton) -> tuple[Side, ...]:
    """Return the side of each joint of a layout."""
    sides: list[Side] = ["middle"] * len(skeleton)
    for left, right in skeleton.pairs:
        sides[left], sides[right] = "left", "right"
    return tuple(sides)


def bone_side(sides: Sequence[Side], bone: tuple[int, int]) -> Side:
    """Return a bone's side: that of its ends, or the middle where they are on different sides."""
    found = {sides[joint] for joint in bone} - {"middle"}
    return found.pop() if len(found) == 1 else "middle"


@lru_cache(maxsize=16)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, so that pictures look alike on every machine."""
    return ImageFont.load_default(size)


def draw_skeleton(
    picture: Image.Image,
    joints: Floats,
    skeleton: Skeleton,
    *,
    thickness: float,
    solid: bool = True,
    least_confidence: float = 0.05,
) -> None:
    """Draw one pose into a picture.

    Args:
        picture: drawn into.
        joints: ``[J, 3]`` x, y in this picture's pixels (centers at i + 0.5) and confidence. Joints
            that are NaN or less trusted than ``least_confidence`` are left out.
        skeleton: the joint layout.
        thickness: width of a bone in pixels.
        solid: filled joints (measured); hollow ones otherwise (interpolated).
        least_confidence: in [0, 1].
    """
    pen = ImageDraw.Draw(picture)
    sides = joint_sides(skeleton)
    shown = np.isfinite(joints).all(axis=1) & (np.nan_to_num(joints[:, 2]) >= least_confidence)
    # Pillow puts the center of pixel i at i.
    points = [(float(x) - 0.5, float(y) - 0.5) for x, y in joints[:, :2]]
    bones = [bone for bone in skeleton.bones if shown[bone[0]] and shown[bone[1]]]
    rim = max(1.0, 0.35 * thickness)
    for width, color in ((thickness + rim, OUTLINE), (thickness, None)):
        for bone in bones:
            fill = color or SIDE_COLORS[bone_side(sides, bone)]
            pen.line([points[bone[0]], points[bone[1]]], fill=fill, width=max(1, round(width)))
    for joint in np.flatnonzero(shown):
        color = SIDE_COLORS[sides[joint]]
        fill = color if solid else OUTLINE
        pen.circle(
            points[joint],
            max(1.5, 0.75 * thickness),
            fill=fill,
            outline=OUTLINE if solid else color,
        )


def enlarge(frame: Frames, least_side_px: int) -> tuple[Image.Image, float]:
    """Turn a frame into an RGB picture whose shorter side is at least ``least_side_px`` long.

    Returns:
        The picture and by how much it was enlarged (1: not at all).
    """
    grey = frame.shape[2] == 1
    picture = Image.fromarray(frame[..., 0] if grey else frame).convert("RGB")
    factor = max(1.0, least_side_px / min(picture.size))
    if factor > 1.0:
        size = (round(picture.width * factor), round(picture.height * factor))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return picture, factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of a panel: a caption, a text and a bar.

    Attributes:
        caption: faint text at the left (the task).
        text: the answer.
        value: length of the bar in [0, 1]; NaN: no bar.
        color: color of the bar.
    """

    caption: str
    text: str
    value: float
    color: Color


def panel_height(lines: int, line_px: int) -> int:
    """Return the height of a panel of so many lines."""
    return lines * line_px + line_px // 2 if lines else 0


def draw_panel(picture: Image.Image, top: int, bars: Sequence[Bar], line_px: int) -> None:
    """Draw lines of text with bars over the whole width of a picture, from row ``top`` down."""
    if not bars:
        return
    pen = ImageDraw.Draw(picture)
    letters = font(round(line_px * 0.62))
    margin = line_px // 2
    pen.rectangle((0, top, picture.width, top + panel_height(len(bars), line_px) - 1), fill=PANEL)
    captions = max((pen.textlength(bar.caption, letters) for bar in bars), default=0)
    number = pen.textlength("100 %", letters)
    left = margin + captions + margin
    right = picture.width - margin - number - margin
    for i, bar in enumerate(bars):
        row = top + line_px // 4 + i * line_px
        middle = row + line_px // 2
        pen.text((margin, middle), bar.caption, FAINT, letters, anchor="lm")
        if np.isfinite(bar.value):
            _draw_bar(pen, (left, row + 2, right, row + line_px - 3), bar)
            percent = f"{100 * bar.value:.0f} %"
            pen.text((picture.width - margin, middle), percent, TEXT, letters, anchor="rm")
        text = fit(bar.text, letters, right - left - margin, pen)
        pen.text((left + margin // 2, middle), text, TEXT, letters, anchor="lm")


def compose(
    picture: Image.Image,
    views: Sequence[Image.Image],
    bars: Sequence[Bar],
    notice: str = "",
    *,
    even: bool = False,
) -> Frames:
    """Put views beside a picture, and lines with bars and a notice below.

    Args:
        picture: whose smaller side says how large letters are.
        views: as high as the picture.
        bars: one line each.
        notice: one line more, shortened where it does not fit; empty: none.
        even: whether width and height shall be even, as most video codecs want them.

    Returns:
        ``[H, W, 3]``.
    """
    line = max(22, round(min(picture.size) / 17))
    width = picture.width + sum(view.width for view in views)
    end = picture.height + panel_height(len(bars), line)
    height = end + (line if notice else 0)
    size = (width + width % 2, height + height % 2) if even else (width, height)
    whole = Image.new("RGB", size, PANEL)
    left = 0
    for part in (picture, *views):
        whole.paste(part, (left, 0))
        left += part.width
    draw_panel(whole, picture.height, bars, line)
    if notice:
        pen, letters = ImageDraw.Draw(whole), font(round(line * 0.55))
        text = fit(notice, letters, width - line, pen)
        pen.text((line // 2, end + line // 2), text, TEXT, letters, "lm")
    return np.asarray(whole)


def fit(
    text: str,
    letters: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width: float,
    pen: ImageDraw.ImageDraw,
) -> str:
    """Shorten a text with dots until it fits."""
    if pen.textlength(text, letters) <= width:
        return text
    while text and pen.textlength(text + "...", letters) > width:
        text = text[:-1]
    return text.rstrip() + "..."


def _draw_bar(pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], bar: Bar) -> None:
    """Draw a bar on its trough, dark enough for white text."""
    left, top, right, bottom = box
    if right <= left:
        return
    radius = (bottom - top) / 5
    pen.rounded_rectangle(box, radius, fill=(44, 48, 58))
    end = left + (right - left) * min(max(bar.value, 0.0), 1.0)
    if end - left > 2 * radius:
        dark = (round(0.55 * bar.color[0]), round(0.55 * bar.color[1]), round(0.55 * bar.color[2]))
        pen.rounded_rectangle((left, top, end, bottom), radius, fill=dark)
