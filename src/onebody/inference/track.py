"""The class scores of a whole video over time, for everything that makes segments of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from onebody.inference.capture import open_capture
from onebody.inference.predictor import Predictor
from onebody.inference.rate import learned_fps
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
    device = str(next(saved.network.parameters()).device)
    found = Predictor(saved=saved, device=device).predict(video, tasks=list(spaces), fps=fps)
    tracks = {}
    for name in spaces:
        answer = found.classes[name]
        times = found.times_s
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / found.fps
        spans = np.stack(
            [times[answer.windows[:, 0]], times[answer.windows[:, 1] - 1] + step], axis=1
        )
        tracks[name] = ScoreTrack(
            classes=answer.classes,
            times_s=times,
            scores=answer.per_frame(len(found)),
            windows_s=spans,
            window_scores=answer.scores,
        )
    return tracks


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
    """Run a causal network through a recording of skeletons."""
    medium = open_medium(source, fps=fps)
    count, rate = len(medium.times_s), learned_fps(saved) or medium.fps
    stride = max(1, round(medium.fps / rate))
    update = {"frames": -(-count // stride), "sampling": "dense", "stride": stride}
    spec = saved.input.model_copy(update=update)
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
        times = medium.times_s[group.frames[0]]
        tracks[name] = ScoreTrack(classes=task.classes, times_s=times, scores=scores)
    return tracks
