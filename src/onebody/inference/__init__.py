"""Prediction on files: windows, merged answers, drawing, videos."""

from onebody.inference.overlay import draw_frames
from onebody.inference.prediction import ClassAnswer, Label, PoseAnswer, Prediction
from onebody.inference.predictor import Predictor, load
from onebody.inference.video import write_video

__all__ = [
    "load",
    "Predictor",
    "Prediction",
    "ClassAnswer",
    "PoseAnswer",
    "Label",
    "draw_frames",
    "write_video",
]
