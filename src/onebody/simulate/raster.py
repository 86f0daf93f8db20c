"""Depth buffer of round cones: which part of a body each pixel sees, and how far away.

The exact intersection of the pixel's ray with each cone, computed only in those 8 x 8 tiles that
the cone touches, one part after the other for all frames at once.

Source: I. Quilez, "Intersectors" (rounded cone); rays here have z = 1, so that the ray parameter is
the depth.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from onebody.simulate.camera import Cameras
from onebody.simulate.figure import Figure

TILE = 4
_BLOCK = 8  # tiles are sought in blocks first
_PART_BITS = 31
_FAR_MM = 1e6  # a ray that misses is said to hit here
_NOTHING = 0x47C35000  # the bits of 1e5: what lies farther is nothing
_HUGE = 1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The M pixels that see a body, in the order of frame and tile.

    Attributes:
        pixel: ``[M]`` index into the flattened ``[N, H, W]``.
        frame: ``[M]`` index of the frame.
        part: ``[M]`` index into `figure.PARTS`.
        depth: ``[M]`` z in mm.
        x, y: ``[M]`` the pixel's ray: camera x / z and y / z.
    """

    pixel: Tensor
    frame: Tensor
    part: Tensor
    depth: Tensor
    x: Tensor
    y: Tensor

    def keep(self, mask: Tensor) -> Surface:
        """Return the pixels chosen by a bool mask ``[M]``."""
        rows = mask.nonzero().squeeze(1)
        return Surface(
            **{f.name: getattr(self, f.name).index_select(0, rows) for f in fields(self)}
        )


def rasterize(figure: Figure, cameras: Cameras, size: tuple[int, int]) -> Surface:
    """Find what each pixel sees of the bodies.

    Args:
        figure: N bodies.
        cameras: N cameras (one per frame).
        size: (rows, columns).
    """
    frames, parts = figure.start_mm.shape
    grid = (-(-size[0] // _BLOCK) * 2, -(-size[1] // _BLOCK) * 2)  # rows, columns of tiles
    part, frame, row, column = _touched_tiles(figure, cameras, grid)
    tiles = grid[0] * grid[1]
    place = frame * tiles + row * grid[1] + column
    # One row per pixel of a tile: each operation then runs along many tiles at once.
    buffer = torch.full((TILE**2, frames * tiles), _NOTHING, dtype=torch.int32, device=place.device)
    counts = torch.bincount(part, minlength=parts).tolist()
    begin = 0
    for index, count in enumerate(counts):
        if count:
            here = slice(begin, begin + count)
            x, y = _tile_rays(cameras, frame[here], row[here], column[here])
            _draw(buffer, figure, index, frame[here], place[here], x, y)
        begin += count
    return _collect(buffer, cameras, size, grid)


def _touched_tiles(
    figure: Figure, cameras: Cameras, grid: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Find the tiles in which each part may be seen.

    Returns:
        ``[M]`` each: part (ascending), frame, row and column of the tile.
    """
    outlines = _outlines(figure, cameras)
    device = figure.start.device
    rows, columns = grid[0] // 2, grid[1] // 2
    block_row = torch.arange(rows, device=device).repeat_interleave(columns)
    block_column = torch.arange(columns, device=device).repeat(rows)
    touched = _meets(outlines[..., None], block_row, block_column, _BLOCK)
    part, frame, block = touched.nonzero(as_tuple=True)
    child = torch.arange(4, device=device)[:, None]
    row = 2 * block_row.index_select(0, block) + (child >> 1)
    column = 2 * block_column.index_select(0, block) + (child & 1)  # [4, blocks]
    parent = part * outlines.shape[2] + frame
    found = _meets(outlines.flatten(1).index_select(1, parent), row, column, TILE)
    parent, child = found.T.nonzero(as_tuple=True)
    return part[parent], frame[parent], row[child, parent], column[child, parent]


def _outlines(figure: Figure, cameras: Cameras) -> Tensor:
    """Return ``[5, P, N]``: a segment (start x, y; run x, y) and how far its part reaches from it.

    A part's picture lies within the ball-swept segment between the pictures of its ends. The reach
    of absent parts, and of those that are not wholly before the camera, is minus infinity.
    """
    ends = torch.stack([figure.start, figure.end])  # [2, N, P, 3]
    radius = torch.stack([figure.start_mm, figure.end_mm])
    focal = cameras.fx[:, None]
    near = (ends[..., 2] - radius).clamp(min=50)
    depth = ends[..., 2].clamp(min=50)
    # A ball's picture is an ellipse, longer the farther it is from the picture's center.
    reach = (1.12 * radius * focal / near).amax(dim=0) + 1
    column = ends[..., 0] / depth * focal + cameras.cx[:, None]
    row = ends[..., 1] / depth * cameras.fy[:, None] + cameras.cy[:, None]
    there = (radius.amax(dim=0) > 0) & (near.amin(dim=0) > 50)
    reach = torch.where(there, reach, -torch.inf)
    run_x, run_y = column[1] - column[0], row[1] - row[0]
    return torch.stack([column[0], row[0], run_x, run_y, reach]).transpose(1, 2)


def _meets(outlines: Tensor, row: Tensor, column: Tensor, side: int) -> Tensor:
    """Return whether outlines ``[5, ...]`` may meet square tiles of a grid."""
    start_x, start_y, run_x, run_y, reach = outlines
    x = (column + 0.5) * side - start_x
    y = (row + 0.5) * side - start_y
    length = (run_x * run_x + run_y * run_y).clamp(min=1e-6)
    share = (x * (run_x / length)).add_(y * (run_y / length)).clamp_(0, 1)
    away = (x - share * run_x).square_().add_((y - share * run_y).square_())
    far = (reach + side * 0.71).clamp(min=0)
    return away < far * far


def _tile_rays(
    cameras: Cameras, frame: Tensor, row: Tensor, column: Tensor
) -> tuple[Tensor, Tensor]:
    """Return x / z and y / z ``[16, M]`` of the rays through the pixels of tiles."""
    pixel = torch.arange(TILE**2, device=frame.device)[:, None]
    fx, fy, cx, cy = cameras.matrix.T.index_select(1, frame)
    x = ((pixel % TILE + 0.5) + (column * TILE - cx)) / fx
    y = ((pixel // TILE + 0.5) + (row * TILE - cy)) / fy
    return x, y


def _draw(
    buffer: Tensor,
    figure: Figure,
    part: int,
    frame: Tensor,
    place: Tensor,
    x: Tensor,
    y: Tensor,
) -> None:
    """Write one part of all frames into the depth buffer ``[16, N * tiles]``."""
    cone = [values[:, part] for values in (figure.start, figure.end)]
    start, end = (values.T.contiguous().index_select(1, frame) for values in cone)
    start_mm, end_mm = (
        values[:, part].contiguous().index_select(0, frame)
        for values in (figure.start_mm, figure.end_mm)
    )
    depth = intersect(start, end, start_mm, end_mm, x, y)
    # Positive floats order as their bits do, so the lowest bits of the depth can name the part.
    bits = depth.view(torch.int32).bitwise_and_(~_PART_BITS).bitwise_or_(part)
    buffer.index_copy_(1, place, torch.minimum(buffer.index_select(1, place), bits))


def intersect(
    start: Tensor, end: Tensor, start_mm: Tensor, end_mm: Tensor, x: Tensor, y: Tensor
) -> Tensor:
    """Return the depth at which rays (x, y, 1) enter round cones; 1e6 or more where they miss.

    Misses are pushed away by adding instead of masked: comparing and selecting cost several times
    as much as arithmetic, and roots of negative numbers forty times.

    Args:
        start: ``[3, M]`` center of one ball.
        end: ``[3, M]`` center of the other.
        start_mm: ``[M]`` radius of the one.
        end_mm: ``[M]`` radius of the other.
        x: ``[K, M]`` x / z of K rays per cone.
        y: ``[K, M]`` y / z.

    Returns:
        ``[K, M]`` mm.
    """
    axis = end - start
    taper = start_mm - end_mm
    axis2, along, far2 = _dot(axis, axis), -_dot(axis, start), _dot(start, start)
    cone = axis2 - taper * taper
    ray2 = (x * x).add_(y * y).add_(1)
    ray_axis, ray_start, ray_end = _affine(axis, x, y), _affine(start, x, y), _affine(end, x, y)
    # Mantle: k2 t^2 + 2 k1 t + k0 = 0.
    k2 = (ray2 * cone).sub_(ray_axis * ray_axis)
    k1 = _affine((taper * start_mm - along) * axis - cone * start, x, y)
    k0 = cone * far2 - along * along + 2 * along * taper * start_mm - axis2 * start_mm * start_mm
    root = (k1 * k1).sub_(k2 * k0)
    depth = (
        root.clamp(min=1)
        .sqrt_()
        .add_(k1)
        .div_(k2)
        .neg_()
        .nan_to_num_(_FAR_MM, _FAR_MM, _FAR_MM)
        .clamp_(-1e5, _FAR_MM)
    )
    place = ray_axis.mul_(depth).add_(along - start_mm * taper)
    beyond = place.mul_(place - cone.clamp(min=0))  # positive outside the mantle's ends
    depth.add_(_push(root.neg_())).add_(_push(beyond))
    for away, far, ball in ((ray_start, far2, start_mm), (ray_end, _dot(end, end), end_mm)):
        root = (away * away).sub_(ray2 * (far - ball * ball))
        hit = away.sub_(root.clamp(min=1).sqrt_()).div_(ray2).add_(_push(root.neg_()))
        depth = torch.minimum(depth, hit)
    return depth


def _push(miss: Tensor) -> Tensor:
    """Return 1e6 where a number is positive, 0 elsewhere; works in place."""
    return miss.mul_(_HUGE).clamp_(0, _FAR_MM)


def _collect(
    buffer: Tensor, cameras: Cameras, size: tuple[int, int], grid: tuple[int, int]
) -> Surface:
    """List the pixels of the buffer that see a body."""
    height, width = size
    device = buffer.device
    tile, inner = (buffer < _NOTHING).T.nonzero(as_tuple=True)
    bits = buffer.view(-1).index_select(0, inner * buffer.shape[1] + tile)
    # Tables of tiles, since dividing integers is slow.
    frames = torch.arange(len(cameras), device=device).repeat_interleave(grid[0] * grid[1])
    rows = torch.arange(grid[0], device=device).repeat_interleave(grid[1]).repeat(len(cameras))
    columns = torch.arange(grid[1], device=device).repeat(grid[0] * len(cameras))
    frame = frames.index_select(0, tile)
    row = rows.index_select(0, tile) * TILE + (inner >> 2)
    column = columns.index_select(0, tile) * TILE + (inner & 3)
    fx, fy, cx, cy = cameras.matrix.T.index_select(1, frame)
    surface = Surface(
        pixel=(frame * height + row) * width + column,
        frame=frame,
        part=(bits & _PART_BITS).long(),
        depth=(bits & ~_PART_BITS).view(torch.float32),
        x=(column + 0.5 - cx) / fx,
        y=(row + 0.5 - cy) / fy,
    )
    if height % _BLOCK or width % _BLOCK:
        surface = surface.keep((row < height) & (column < width))
    return surface


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Dot product of vectors ``[3, M]``."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _affine(weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return weights . (x, y, 1): ``[3, M]`` with ``[K, M]``."""
    return (x * weights[0]).add_(y * weights[1]).add_(weights[2])
