"""Prediction on files and streams: windows, merged answers, events, drawing, videos."""

from onebody.inference.activity import ActivityConfig
from onebody.inference.capture import Capture, CapturedFrame, open_capture
from onebody.inference.events import Event, EventConfig
from onebody.inference.follow import FollowConfig, PersonFinder
from onebody.inference.frame_queue import FrameQueue, feed
from onebody.inference.overlay import draw_frames
from onebody.inference.place import PlaceAnswer
from onebody.inference.prediction import ClassAnswer, Label, PoseAnswer, Prediction
from onebody.inference.predictor import Predictor, load
from onebody.inference.smooth import SmoothConfig
from onebody.inference.stream import Stream, StreamFrame
from onebody.inference.video import write_video

__all__ = [
    "load",
    "Predictor",
    "Prediction",
    "ClassAnswer",
    "PoseAnswer",
    "PlaceAnswer",
    "Label",
    "Stream",
    "StreamFrame",
    "Event",
    "ActivityConfig",
    "EventConfig",
    "SmoothConfig",
    "FollowConfig",
    "PersonFinder",
    "Capture",
    "CapturedFrame",
    "open_capture",
    "FrameQueue",
    "feed",
    "draw_frames",
    "write_video",
]
