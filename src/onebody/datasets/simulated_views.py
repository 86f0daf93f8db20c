"""Cameras around a simulated performance: what each of them films, and which views there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor

from onebody.config import Config
from onebody.datasets.simulated_stage import chosen
from onebody.simulate.body import BODY
from onebody.simulate.camera import make_cameras
from onebody.simulate.draws import uniform
from onebody.simulate.motion import Motion
from onebody.simulate.render import render
from onebody.simulate.scene import make_scenes
from onebody.simulate.stage import all_in_view, set_stage

Pictures = Literal["rgb", "depth", "silhouette"]

_OTHER_ROOM = 7_919_000_003
"""From the seed of a view's room to that of the next one's."""


class FilmingConfig(Config):
    """What says how a simulated set is filmed; the keys are those of `SimulatedConfig`."""

    size: int = Field(112, ge=16, le=1024)
    yaw_degrees: float = Field(25.0, ge=0, le=180)
    occluders: float = Field(0.1, ge=0, le=1)
    clutter: float = Field(0.6, ge=0, le=1)
    noise: float = Field(1.0, ge=0)
    fill: tuple[float, float] = (0.7, 0.95)  # hands should not shrink to a pixel
    place: tuple[float, float] = (0.15, 0.85)
    objects: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    views: int = Field(1, ge=1, le=8)
    view_step_degrees: float = Field(45.0, ge=0, le=180)
    view_share: float = Field(1.0, gt=0, le=1)
    outfits: int = Field(3, ge=1)
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Performances:
    """B performances.

    Attributes:
        seeds: of everything that is drawn for each.
        identities: seeds of the people.
        motion: what they do.
        rendered: which pictures are made.
    """

    seeds: Sequence[int]
    identities: Sequence[int]
    motion: Motion
    rendered: Sequence[Pictures]


def filmed(
    config: FilmingConfig, clips: Performances, view: int = 0
) -> tuple[dict[str, Tensor], npt.NDArray[np.float64]]:
    """Film performances with one camera each.

    A further view stands ``view_step_degrees`` farther around the person than the one before, as
    far and as high, and has noise and a room of its own behind the person: cameras that see one
    room from all sides would need rooms without a missing wall.

    Args:
        config: of the set.
        clips: what is filmed.
        view: number of the camera, from 0.

    Returns:
        ``[B, T, ...]`` pictures by modality, ``joints2d`` (px) and ``joints3d`` (mm, camera frame)
        with visibility, and ``[B, 5]`` fx, fy, cx, cy and distance of the hips.
    """
    seeds, motion = clips.seeds, clips.motion
    wardrobe = (uniform(seeds, "wardrobe", 1)[:, 0] * config.outfits).long().tolist()
    outfits = [i * config.outfits + k for i, k in zip(clips.identities, wardrobe, strict=True)]
    scenes = make_scenes(
        [seed + view * _OTHER_ROOM for seed in seeds],
        outfit_seeds=outfits,
        occluders=config.occluders,
        clutter=config.clutter,
        noise=config.noise,
    )
    scenes = set_stage(
        scenes,
        seeds,
        objects=chosen(seeds, "object", config.objects),
        surroundings=chosen(seeds, "scene", config.scenes),
    )
    cameras = make_cameras(
        seeds,
        config.size,
        joints_mm=all_in_view(motion.joints_mm, scenes),
        yaw_degrees=config.yaw_degrees,
        fill=config.fill,
        place=config.place,
        turn_degrees=view * config.view_step_degrees,
    )
    joints = cameras.to_camera(motion.joints_mm)
    distance = joints[:, :, BODY.root[0], 2].mean(dim=1)
    rendering = render(
        joints.to(config.device),
        motion.shape.to(config.device),
        scenes.to(config.device),
        cameras.to(config.device),
        config.size,
        clips.rendered,
        depth_ref_mm=distance.to(config.device),
    )
    visible = rendering.visible.cpu()[..., None].float()
    tensors = {name: value.cpu() for name, value in rendering.frames.items()}
    tensors["joints2d"] = torch.cat([cameras.project(joints), visible], dim=-1)
    tensors["joints3d"] = torch.cat([joints, visible], dim=-1)
    return tensors, torch.cat([cameras.matrix, distance[:, None]], dim=1).double().numpy()


def view_names(modalities: Sequence[str], views: int) -> list[str]:
    """Return the media of all views: ``rgb``, ``rgb/2``, ``rgb/3``."""
    further = [f"{name}/{view + 1}" for view in range(1, views) for name in modalities]
    return [*modalities, *further]


def file_name(medium: str) -> str:
    """Return the name of a medium's file, without its ending."""
    return medium.replace("/", "-")


def present(
    sources: Mapping[str, Sequence[str]],
    modalities: Sequence[str],
    seeds: Sequence[int],
    views: int,
    share: float,
) -> dict[str, npt.NDArray[np.str_]]:
    """Return the media of a table: each view of a clip is there with some probability.

    Args:
        sources: of all media and all clips.
        modalities: of the set; worn sensors have no views, and are always there.
        seeds: of the clips.
        views: how many there are.
        share: probability of each; the likeliest one stays where none would be left.
    """
    drawn = uniform(seeds, "views", views).numpy()
    there = (drawn < share) | (drawn == drawn.min(axis=1, keepdims=True))
    media = {}
    pictures = [name for name in modalities if name != "imu"]
    for name in [*modalities, *view_names(pictures, views)[len(pictures) :]]:
        view = int(name.partition("/")[2] or 1) - 1
        shown = there[:, view] if name != "imu" else np.ones(len(there), np.bool_)
        media[name] = np.where(shown, np.asarray(sources[name], np.str_), "")
    return media
