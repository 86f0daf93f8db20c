"""Simulated people: bodies, movements, cameras, rooms and pictures, all drawn by seed."""

from onebody.simulate.body import BodyShape, make_bodies
from onebody.simulate.camera import Cameras, make_cameras
from onebody.simulate.captured import make_captured
from onebody.simulate.motion import ACTION_SPACE, GESTURE_SPACE, MOVEMENTS, Motion, make_motion
from onebody.simulate.render import Rendering, render
from onebody.simulate.scene import Scenes, make_scenes
from onebody.simulate.sensors import POSITIONS, Places, readings, segment_places, worn

__all__ = [
    "ACTION_SPACE",
    "GESTURE_SPACE",
    "MOVEMENTS",
    "BodyShape",
    "make_bodies",
    "Motion",
    "make_motion",
    "make_captured",
    "Cameras",
    "make_cameras",
    "Scenes",
    "make_scenes",
    "POSITIONS",
    "Places",
    "segment_places",
    "readings",
    "worn",
    "Rendering",
    "render",
]
