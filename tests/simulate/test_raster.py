from __future__ import annotations

import pytest
import torch
from torch import Tensor

from onebody.simulate.camera import Cameras
from onebody.simulate.figure import PARTS, Figure
from onebody.simulate.raster import intersect, rasterize


def cone_distance(point: Tensor, start: Tensor, end: Tensor, first: float, last: float) -> Tensor:
    """Signed distance to a round cone, by brute force over many balls along the axis."""
    share = torch.linspace(0, 1, 401, dtype=torch.float64)
    centers = torch.lerp(start[None], end[None], share[:, None])
    radii = first + (last - first) * share
    return ((point[:, None] - centers).norm(dim=-1) - radii).amin(dim=1)


CONES = [
    ((0.0, 0.0, 3000.0), (0.0, 400.0, 3000.0), 80.0, 40.0),
    ((-100.0, 50.0, 2500.0), (150.0, -100.0, 2900.0), 30.0, 90.0),
    ((30.0, 20.0, 2200.0), (0.0, 0.0, 3000.0), 45.0, 60.0),  # points at the camera
    ((10.0, 10.0, 3000.0), (30.0, 10.0, 3000.0), 100.0, 40.0),  # one ball within the other
    ((50.0, 0.0, 3000.0), (50.0, 0.0, 3000.0), 70.0, 70.0),  # a ball
]


def rays() -> tuple[Tensor, Tensor]:
    grid = torch.linspace(-0.08, 0.16, 21)
    return grid.repeat(21)[:, None], grid.repeat_interleave(21)[:, None]


@pytest.mark.parametrize("cone", CONES)
def test_rays_meet_the_surface_that_balls_along_the_axis_sweep(cone):
    start, end, first, last = torch.tensor(cone[0]), torch.tensor(cone[1]), cone[2], cone[3]
    x, y = rays()
    depth = intersect(
        start[:, None], end[:, None], torch.tensor([first]), torch.tensor([last]), x, y
    )[:, 0]
    hit = depth < 1e5
    assert 4 < hit.sum() < len(depth)
    ray = torch.cat([x, y, torch.ones_like(x)], dim=1).double()
    points = ray[hit] * depth[hit, None]
    args = (start.double(), end.double(), first, last)
    assert cone_distance(points, *args).abs().max() < 0.5
    # The first meeting: just before it every ray is outside.
    assert (cone_distance(points - 3 * ray[hit], *args) > -0.5).all()
    # Rays that miss stay outside all along.
    missed = ray[~hit][:, None] * torch.arange(2000, 3200, 60.0)[:, None]
    closest = cone_distance(missed.flatten(0, 1), *args)
    assert closest.min() > -0.5


def cameras(count: int, focal: float = 60.0) -> Cameras:
    return Cameras(
        fx=torch.full((count,), focal),
        fy=torch.full((count,), focal),
        cx=torch.full((count,), 16.0),
        cy=torch.full((count,), 12.0),
        rotation=torch.eye(3).expand(count, 3, 3),
        position=torch.zeros(count, 3),
    )


def random_figure(count: int, spread: float = 500.0) -> Figure:
    generator = torch.Generator().manual_seed(3)
    parts = len(PARTS)
    middle = torch.tensor([0.0, 0.0, 3000.0])

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    return Figure(
        start=middle + spread * (draw(count, parts, 3) - 0.5),
        end=middle + spread * (draw(count, parts, 3) - 0.5),
        start_mm=20 + 80 * draw(count, parts),
        end_mm=20 + 80 * draw(count, parts),
        axes=torch.eye(3).expand(count, 3, 3),
        center=middle.expand(count, 3),
    )


@pytest.mark.parametrize("size", [(24, 32), (23, 31), (5, 40)])
def test_tiles_lose_nothing_of_the_full_picture(size):
    figure, view = random_figure(3, 1500.0), cameras(3)
    surface = rasterize(figure, view, size)
    column = torch.arange(size[1]).repeat(size[0]) + 0.5
    row = torch.arange(size[0]).repeat_interleave(size[1]) + 0.5
    for frame in range(3):
        x, y = ((column - 16) / 60)[:, None], ((row - 12) / 60)[:, None]
        full = intersect(
            figure.start[frame].T,
            figure.end[frame].T,
            figure.start_mm[frame],
            figure.end_mm[frame],
            x,
            y,
        )
        nearest, part = full.min(dim=1)
        expected = (nearest < 1e5).nonzero().squeeze(1)
        mine = surface.keep(surface.frame == frame)
        pixel, order = (mine.pixel - frame * size[0] * size[1]).sort()
        assert torch.equal(pixel, expected)
        torch.testing.assert_close(mine.depth[order], nearest[expected], atol=0.05, rtol=0)
        assert (mine.part[order] == part[expected]).float().mean() > 0.99
        torch.testing.assert_close(mine.x[order], x[expected, 0])
        torch.testing.assert_close(mine.y[order], y[expected, 0])


def test_absent_parts_and_those_beside_the_camera_are_not_drawn():
    figure = random_figure(1)
    nothing = Figure(
        start=figure.start,
        end=figure.end,
        start_mm=torch.zeros_like(figure.start_mm),
        end_mm=torch.zeros_like(figure.end_mm),
        axes=figure.axes,
        center=figure.center,
    )
    assert len(rasterize(nothing, cameras(1), (24, 32)).pixel) == 0
    behind = Figure(
        start=figure.start - torch.tensor([0.0, 0.0, 3100.0]),
        end=figure.end - torch.tensor([0.0, 0.0, 3100.0]),
        start_mm=figure.start_mm,
        end_mm=figure.end_mm,
        axes=figure.axes,
        center=figure.center,
    )
    depth = rasterize(behind, cameras(1), (24, 32)).depth
    assert (depth > 0).all()


def test_a_frame_does_not_depend_on_its_neighbors():
    figure = random_figure(4)
    together = rasterize(figure, cameras(4), (24, 32))
    third = together.keep(together.frame == 2)
    alone = rasterize(
        Figure(
            start=figure.start[2:3],
            end=figure.end[2:3],
            start_mm=figure.start_mm[2:3],
            end_mm=figure.end_mm[2:3],
            axes=figure.axes[2:3],
            center=figure.center[2:3],
        ),
        cameras(1),
        (24, 32),
    )
    assert torch.equal(third.pixel - 2 * 24 * 32, alone.pixel)
    assert torch.equal(third.depth, alone.depth)
    assert torch.equal(third.part, alone.part)
