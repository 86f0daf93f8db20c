"""Prediction on files: windows, merged answers, drawing, videos."""

from onebody.inference.overlay import draw_frames
from onebody.inference.prediction import ClassAnswer, Label, PoseAnswer, Prediction
from onebody.inference.video import write_video

__all__ = [
    "Prediction",
    "ClassAnswer",
    "PoseAnswer",
    "Label",
    "draw_frames",
    "write_video",
]
