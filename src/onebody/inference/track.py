"""The class scores of a whole video over time, for everything that makes segments of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from onebody.data.media import parse
from onebody.inference.capture import open_capture
from onebody.inference.detectors import window_lengths
from onebody.inference.predictor import Predictor
from onebody.inference.rate import learned_fps, usual_frames
from onebody.inference.reader import open_medium, read_windows
from onebody.inference.segments import ScoreTrack
from onebody.inference.stream import Stream
from onebody.models import SavedNetwork
from onebody.tasks.classes import ClassTask
from onebody.types import Doubles


def video_tracks(
    saved: SavedNetwork,
    video: str,
    *,
    spaces: Sequence[str],
    fps: float | None = None,
    windows: bool = False,
) -> dict[str, ScoreTrack]:
    """Look at a video from its beginning to its end.

    A causal network of pictures runs as it does live (`Stream`): at the rate that it learned from,
    the box following the person where it finds joints. One of skeletons runs through the recording,
    which is centered and scaled as a whole. Any other network looks at overlapping windows
    (`Predictor`); a frame's scores are the mean of those of the windows that hold it.

    Args:
        saved: the network, on the device where it shall run.
        video: a video, a folder of pictures, an array of pictures or of skeletons.
        spaces: class tasks whose scores are wanted.
        fps: frames per second of what has no clock.
        windows: the scores of windows are wanted, also of a causal network.

    Returns:
        By task; scores are calibrated where the network is.

    Raises:
        MediaError: if it cannot be read.
        ValueError: if its frames have no clock.
    """
    if saved.network.causal and not windows:
        along = _recorded if saved.input.reads_skeletons else _live
        return along(saved, video, spaces, fps)
    lengths = [saved.input.frames]
    if saved.network.causal and saved.input.sampling == "dense":  # it takes in any number of frames
        lengths = list(window_lengths(usual_frames(saved)))
    device = str(next(saved.network.parameters()).device)
    found = [
        Predictor(saved=_given(saved, frames), device=device).predict(
            video, tasks=list(spaces), fps=fps
        )
        for frames in lengths
    ]
    plain = found[0]
    times = plain.times_s
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / plain.fps
    tracks = {}
    for name in spaces:
        answers = [prediction.classes[name] for prediction in found]
        spans = np.concatenate([answer.windows for answer in answers])
        tracks[name] = ScoreTrack(
            classes=answers[0].classes,
            times_s=times,
            scores=answers[0].per_frame(len(plain)),
            windows_s=np.stack([times[spans[:, 0]], times[spans[:, 1] - 1] + step], axis=1),
            window_scores=np.concatenate([answer.scores for answer in answers]),
        )
    return tracks


def _given(saved: SavedNetwork, frames: int) -> SavedNetwork:
    """Return a network that is given so many frames at once."""
    return replace(saved, input=saved.input.model_copy(update={"frames": frames}))


def _live(
    saved: SavedNetwork, video: str, spaces: Sequence[str], fps: float | None
) -> dict[str, ScoreTrack]:
    """Run a causal network frame by frame."""
    stream = Stream(saved, source=video)
    times: list[float] = []
    scores: dict[str, list[Doubles]] = {name: [] for name in spaces}
    capture = open_capture(video, channels=stream.channels, fps=fps)
    for frame, made in stream.run(capture):
        if made.ran:
            times.append(frame.time_s)
            for name in spaces:
                scores[name].append(made.prediction.classes[name].scores[0])
    stream.finish()
    tracks = {}
    for name, own in scores.items():
        task = saved.network.tasks[name]
        assert isinstance(task, ClassTask)
        tracks[name] = ScoreTrack(
            classes=task.classes, times_s=np.array(times), scores=np.stack(own).astype(np.float32)
        )
    return tracks


def _recorded(
    saved: SavedNetwork, source: str, spaces: Sequence[str], fps: float | None
) -> dict[str, ScoreTrack]:
    """Run a causal network through a recording of skeletons, interpolated at its own rate.

    Raises:
        ValueError: if it holds no numbers, or nobody knows its rate.
    """
    if parse(source).kind not in ("npy", "npz"):
        raise ValueError(
            f"{source}: this network reads skeletons: expected an array of joints [T, J, D] "
            f"(file.npy, file.npz#key), found a {parse(source).kind}. Joints of a video are made "
            "by 'onebody extract'."
        )
    medium = open_medium(source, fps=fps)
    count, rate = len(medium.times_s), learned_fps(saved) or medium.fps
    frames = max(1, round(count / medium.fps * rate))
    spec = saved.input.model_copy(update={"frames": frames, "sampling": "uniform"})
    (group,) = read_windows(medium, np.array([[0, count]], np.int64), spec)
    network = saved.network.eval()
    with torch.inference_mode():
        batch = group.batch.to(next(network.parameters()).device)
        outputs, _ = network.stream(batch, {})
    tracks = {}
    for name in spaces:
        task, found = network.tasks[name], saved.calibration.get(name)
        assert isinstance(task, ClassTask)
        logits = outputs[name][-1].float() / (found.temperature if found else 1.0)
        scores = task.frame_scores(logits)[0].cpu().numpy().astype(np.float32)
        times = group.batch.context.times_s[0].numpy()
        tracks[name] = ScoreTrack(classes=task.classes, times_s=times, scores=scores)
    return tracks
