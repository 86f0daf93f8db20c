"""Pictures of simulated people: color, depth, silhouette, and which joints can be seen.

The room is drawn once per clip; bodies go through a tiled depth buffer; only pixels that see a body
are shaded. Everything is computed clip by clip from its own values, so a clip looks the same in
every batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from onebody.config import lookup
from onebody.simulate.body import BODY, BodyShape
from onebody.simulate.camera import Cameras, picture_size
from onebody.simulate.compose import (
    expose,
    find_edges,
    find_shadows,
    paint_color,
    paint_depth,
    paint_silhouette,
)
from onebody.simulate.figure import Figure, make_figure
from onebody.simulate.raster import Surface, rasterize
from onebody.simulate.room import Backdrop, draw_rooms
from onebody.simulate.scene import Scenes
from onebody.simulate.shade import find_facing, shade
from onebody.simulate.visibility import find_visible

CHANNELS = {"rgb": 3, "depth": 1, "silhouette": 1}
"""Modalities that can be rendered, with their number of channels."""

_PIXELS_AT_ONCE = 64 * 112 * 112  # large enough to hide the cost of a call, small enough to cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Rendered clips.

    Attributes:
        frames: by modality ``[B, T, H, W, C]`` uint8. Depth: brighter is nearer, 0 is no body;
            silhouette: 255 where the body is seen, else 0.
        visible: ``[B, T, 20]`` bool: the joint lies in the picture and nothing but its own flesh
            is in front of it.
        depth_ref_mm: ``[B]`` distance that the grey level 136 stands for.
    """

    frames: dict[str, Tensor]
    visible: Tensor
    depth_ref_mm: Tensor

    def part(self, *, rows: slice = slice(None), frames: slice = slice(None)) -> Rendering:
        """Return a view of some clips and frames."""
        return Rendering(
            frames={name: value[rows, frames] for name, value in self.frames.items()},
            visible=self.visible[rows, frames],
            depth_ref_mm=self.depth_ref_mm[rows],
        )

    def put(self, modality: str, pictures: Tensor) -> None:
        """Write ``[B * T, C, H, W]`` into the frames of one modality."""
        frames = self.frames[modality]
        frames.copy_(pictures.view(*frames.shape[:2], *pictures.shape[1:]).permute(0, 1, 3, 4, 2))


def render(
    joints_mm: Tensor,
    shape: BodyShape,
    scenes: Scenes,
    cameras: Cameras,
    size: int | tuple[int, int],
    modalities: Sequence[str] = ("rgb",),
    *,
    depth_ref_mm: Tensor | None = None,
) -> Rendering:
    """Render B clips of T frames.

    Args:
        joints_mm: ``[B, T, 20, 3]`` in the camera frame.
        shape: B bodies.
        scenes: B scenes.
        cameras: B cameras, made for this size.
        size: side of the square picture in pixels, or (rows, columns).
        modalities: any of `CHANNELS`; none: only the visibility is computed.
        depth_ref_mm: ``[B]`` distance of the middle grey; None: the median depth of the joints
            of each clip.

    Raises:
        ValueError: if a modality is unknown, a shape does not fit or a joint is not finite.
    """
    height, width = picture_size(size)
    _check(joints_mm, len(shape), len(scenes), len(cameras), modalities)
    clips, frames = joints_mm.shape[:2]
    device = joints_mm.device
    if depth_ref_mm is None:
        depth_ref_mm = joints_mm[..., 2].flatten(1).median(dim=1).values
    rendering = _blank(joints_mm, (height, width), modalities, depth_ref_mm)
    most = max(1, _PIXELS_AT_ONCE // (height * width))
    step = max(1, most // frames)

    def work(begin: int) -> None:
        rows = torch.arange(begin, min(begin + step, clips), device=device)
        some = _Clips(
            joints_mm=joints_mm[rows],
            shape=shape.select(rows),
            scenes=scenes.select(rows),
            cameras=cameras.select(rows),
            depth_ref_mm=depth_ref_mm[rows],
        )
        _render_clips(some, rendering.part(rows=slice(begin, begin + step)), (height, width), most)

    _share_out(work, range(0, clips, step), device)
    return rendering


def _share_out(work: Callable[[int], None], begins: range, device: torch.device) -> None:
    """Do the work on as many processors as torch may use, one thread each.

    The single operations are too small to be divided: threads that wait for each other after every
    one of them would make a busy machine many times slower.
    """
    workers = min(torch.get_num_threads(), len(begins))
    if workers < 2 or device.type != "cpu":
        for begin in begins:
            work(begin)
        return
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(work, begins))
    finally:
        torch.set_num_threads(threads)  # what a worker sets is also the default of new threads


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clips:
    """What is rendered at once."""

    joints_mm: Tensor
    shape: BodyShape
    scenes: Scenes
    cameras: Cameras
    depth_ref_mm: Tensor


def _blank(
    joints_mm: Tensor, size: tuple[int, int], modalities: Sequence[str], depth_ref_mm: Tensor
) -> Rendering:
    """Make room for what is going to be rendered."""
    clips, frames = joints_mm.shape[:2]
    device = joints_mm.device

    def pictures(channels: int) -> Tensor:
        return torch.empty(clips, frames, *size, channels, dtype=torch.uint8, device=device)

    return Rendering(
        frames={name: pictures(CHANNELS[name]) for name in modalities},
        visible=torch.empty(clips, frames, len(BODY), dtype=torch.bool, device=device),
        depth_ref_mm=depth_ref_mm,
    )


def _render_clips(clips: _Clips, into: Rendering, size: tuple[int, int], most: int) -> None:
    """Draw the rooms of some clips, then their frames, at most ``most`` at once."""
    hips = clips.joints_mm[:, :, BODY.index("hip_center")].median(dim=1).values
    backdrop = draw_rooms(
        clips.scenes.room, clips.cameras, hips, size, colored="rgb" in into.frames
    )
    scenes = clips.scenes
    if "rgb" in into.frames:
        gain, curve = _tone(scenes)
        picture = expose(backdrop.picture, gain[:, :, None, None], curve[:, None, None, None])
        backdrop = replace(backdrop, picture=picture)
    for begin in range(0, clips.joints_mm.shape[1], most):
        span = slice(begin, begin + most)
        some = replace(clips, joints_mm=clips.joints_mm[:, span])
        _render_frames(some, begin, backdrop, into.part(frames=span))


def _render_frames(clips: _Clips, first: int, backdrop: Backdrop, into: Rendering) -> None:
    """Render frames into ``into``; ``first`` is the number of the first one."""
    count, frames = clips.joints_mm.shape[:2]
    size = (backdrop.depth.shape[1], backdrop.depth.shape[2])
    device = clips.joints_mm.device
    clip = torch.arange(count, device=device).repeat_interleave(frames)
    joints, scenes = clips.joints_mm.flatten(0, 1), clips.scenes.select(clip)
    shape, cameras = clips.shape.select(clip), clips.cameras.select(clip)
    up = cameras.rotation[:, :, 1]  # the world's y axis in the camera frames
    figure = make_figure(joints, shape, scenes.outfit, scenes.held, up)
    figure = _grow(figure, cameras.fx)
    surface = rasterize(figure, cameras, size)
    surface = surface.keep(surface.depth < _behind(surface, backdrop, clip))
    facing = find_facing(surface, figure, cameras.fx)
    cover = find_edges(surface, facing.inside, (len(clip), *size))
    seeds = scenes.sensor.noise_seed + 9176 * torch.arange(
        first, first + frames, device=device
    ).repeat(count)
    if "rgb" in into.frames:
        light = (backdrop.axes[clip] * scenes.room.light[:, :, None]).sum(dim=1)
        color = shade(surface, facing, figure, scenes.outfit, light, scenes.room.ambient)
        gain, curve = _tone(scenes)
        frame = surface.frame
        gain = gain.T.contiguous().index_select(1, frame)
        color = expose(color, gain, curve.index_select(0, frame))
        shadows = find_shadows(joints, backdrop, scenes.room, clip)
        noise = scenes.sensor.noise
        into.put(
            "rgb", paint_color(backdrop.picture, clip, shadows, surface, color, cover, noise, seeds)
        )
    solid = cover >= 0.5
    surface, cover = surface.keep(solid), cover[solid]
    if "depth" in into.frames:
        reference = clips.depth_ref_mm[clip]
        into.put("depth", paint_depth(surface, cover, reference, scenes.sensor, seeds, size))
    if "silhouette" in into.frames:
        into.put("silhouette", paint_silhouette(surface, len(clip), size))
    visible = find_visible(
        joints, shape, scenes.outfit.looseness, cameras, surface, backdrop.depth, clip
    )
    into.visible.copy_(visible.view_as(into.visible))


def _tone(scenes: Scenes) -> tuple[Tensor, Tensor]:
    """Return gain ``[B, 3]`` and tone curve ``[B]``."""
    return scenes.room.tint * scenes.sensor.brightness[:, None], scenes.sensor.curve


def _grow(figure: Figure, focal: Tensor) -> Figure:
    """Enlarge parts by half a pixel, so that pixels which they cover in part are found too."""
    start, end = (
        torch.where(radius > 0, radius + 0.5 * center[..., 2] / focal[:, None], 0.0)
        for center, radius in ((figure.start, figure.start_mm), (figure.end, figure.end_mm))
    )
    return replace(figure, start_mm=start, end_mm=end)


def _behind(surface: Surface, backdrop: Backdrop, clip: Tensor) -> Tensor:
    """Return the depth of the room at each pixel that sees a body ``[M]``."""
    skip = (clip - torch.arange(len(clip), device=clip.device)) * backdrop.depth[0].numel()
    return backdrop.depth.flatten()[surface.pixel + skip[surface.frame]]


def _check(
    joints_mm: Tensor, shapes: int, scenes: int, cameras: int, modalities: Sequence[str]
) -> None:
    """Refuse what cannot be rendered.

    Raises:
        ValueError: says what was expected and found.
    """
    for name in modalities:
        lookup(CHANNELS, name, "modality")
    if joints_mm.ndim != 4 or joints_mm.shape[2:] != (len(BODY), 3):
        raise ValueError(
            f"Expected joints [B, T, {len(BODY)}, 3] ({BODY.name}), found {list(joints_mm.shape)}."
        )
    if {shapes, scenes, cameras} != {len(joints_mm)}:
        raise ValueError(
            f"Expected one body, scene and camera for each of {len(joints_mm)} clips, found "
            f"{shapes} bodies, {scenes} scenes and {cameras} cameras."
        )
    broken = (~joints_mm.isfinite()).flatten(1).any(dim=1).nonzero().flatten().tolist()
    if broken:
        raise ValueError(f"Joints of clip {broken[0]} are not finite. Give every joint a place.")
