"""What a network says along an untrimmed stream: frame by frame, and of sliding windows.

A causal network whose task answers per frame runs as it would live: its state goes on from frame to
frame, also where one clip ends and the next begins. Any other network looks at windows as long as
the clips that it learned from; a frame's scores are the mean of those of the windows that hold it.

The baseline's windows come in several lengths, and begin afresh: a network knows nothing of what
was before its window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from onebody.data import Batch, Context
from onebody.data.pauses import time_axis
from onebody.evaluation.answers import evaluating
from onebody.evaluation.untrimmed import Untrimmed
from onebody.inference.detectors import window_lengths
from onebody.inference.keep_memory import keep_memory
from onebody.inference.prediction import ClassAnswer
from onebody.inference.rate import usual_frames
from onebody.inference.segments import ScoreTrack
from onebody.models import Calibration, Network, SavedNetwork
from onebody.models.calibration import tempered
from onebody.tasks.classes import ClassTask
from onebody.types import Doubles, Floats, Ints

_HOP = 4
"""A window begins every this-th part of its length."""

_CHUNK = 32
"""Most frames of a stream that run at once."""

_WINDOWS = {"cpu": 2, "cuda": 16}
"""Most windows that run at once. On a CPU more are no faster, and what they take and give back is
too large for the C library to keep (`keep_memory`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How a network runs.

    Attributes:
        device: where.
        bf16: compute in bfloat16 where that is safe.
    """

    device: str = "cpu"
    bf16: bool = False


def runs_as_stream(network: Network, task: ClassTask) -> bool:
    """Return whether a network answers a task frame by frame, looking back only."""
    return network.causal and task.form == "frames"


def stream_track(
    saved: SavedNetwork,
    task: ClassTask,
    stream: Untrimmed,
    *,
    windows: bool = True,
    running: Running | None = None,
) -> ScoreTrack:
    """Run a network along a stream.

    Args:
        saved: the network.
        task: whose scores are wanted; calibrated by its temperature, where it has one.
        stream: what is shown.
        windows: look at the windows of the baseline, too.
        running: where and how.
    """
    how = running or Running()
    network, calibration = saved.network, saved.calibration.get(task.name)
    network.to(how.device)
    keep_memory()
    kind, frames = torch.device(how.device).type, saved.input.frames
    spans: list[Ints] = []
    said: list[Floats] = []
    with evaluating(network), torch.autocast(kind, torch.bfloat16, enabled=how.bf16):
        if runs_as_stream(network, task):
            scores = _along(network, task, stream, calibration, how)
            frames = usual_frames(saved)
        else:
            spans.append(window_spans(stream.num_frames, frames))
            said.append(_windows(saved, task, stream, spans[0], how))
            answer = ClassAnswer(classes=task.classes, windows=spans[0], scores=said[0])
            scores = answer.per_frame(stream.num_frames)
        for length in window_lengths(frames)[len(spans) :] if windows else ():
            spans.append(window_spans(stream.num_frames, length))
            said.append(_windows(saved, task, stream, spans[-1], how))
    track = ScoreTrack(
        classes=task.classes, times_s=np.arange(len(scores)) / stream.rate, scores=scores
    )
    if not windows:
        return track
    return ScoreTrack(
        classes=task.classes,
        times_s=track.times_s,
        scores=scores,
        windows_s=_seconds(spans, stream.rate),
        window_scores=np.concatenate(said),
    )


def window_spans(num_frames: int, length: int) -> Ints:
    """Return ``[W, 2]`` first frames and frames after the last ones of windows of one length."""
    length = min(length, num_frames)
    hop = max(1, length // _HOP)
    starts = np.arange(0, num_frames - length + 1, hop, dtype=np.int64)
    if starts[-1] + length < num_frames:
        starts = np.append(starts, num_frames - length)
    return np.stack([starts, starts + length], axis=1)


def _seconds(spans: list[Ints], rate: float) -> Doubles:
    return np.asarray(np.concatenate(spans) / rate, np.float64)


def _along(
    network: Network,
    task: ClassTask,
    stream: Untrimmed,
    calibration: Calibration | None,
    how: Running,
) -> Floats:
    """Return ``[T, C]`` scores of a causal network, frame by frame."""
    state: dict[str, Tensor] = {}
    found = []
    temperature = 1.0 if calibration is None else calibration.temperature
    for piece in stream.frames():
        for part in torch.split(piece, _CHUNK, dim=time_axis(piece)):
            outputs, state = network.stream(_batch(stream, part, how), state)
            logits = outputs[task.name][-1].float() / temperature
            found.append(task.frame_scores(logits)[0].cpu().numpy())
    return np.concatenate(found).astype(np.float32)


def _windows(
    saved: SavedNetwork, task: ClassTask, stream: Untrimmed, spans: Ints, how: Running
) -> Floats:
    """Return ``[W, C]`` scores of windows."""
    network, calibration = saved.network, saved.calibration.get(task.name)
    temperature = 1.0 if calibration is None else calibration.temperature
    found = []
    most = _WINDOWS.get(torch.device(how.device).type, 2)
    for clips in _cut(stream, spans, None if network.causal else saved.input.frames, most):
        batch = _batch(stream, clips, how)
        rows = torch.ones(len(batch), dtype=torch.bool, device=how.device)
        output = network([batch], [{task.name: rows}])[0][task.name][-1].float()
        if task.form == "frames":  # as `Predictor`: means are tempered as they are
            scores = task.decode(output, batch.context).cpu().numpy()
            found.append(tempered(scores, temperature) if calibration else scores)
        else:
            found.append(task.decode(output / temperature, batch.context).cpu().numpy())
    return np.concatenate(found).astype(np.float32)


def _cut(stream: Untrimmed, spans: Ints, frames: int | None, most: int) -> Iterator[Tensor]:
    """Yield windows of one length side by side, holding no more frames than they need.

    Args:
        stream: what is shown.
        spans: ``[W, 2]``, in order.
        frames: how many frames, spread over the window, are taken; None: all.
        most: windows at once.
    """
    pieces = stream.frames()
    held, first = next(pieces), 0
    axis = time_axis(held)
    for begin in range(0, len(spans), most):
        part = spans[begin : begin + most]
        low, high = int(part[0, 0]), int(part[-1, 1])
        while first + held.shape[axis] < high:
            held = torch.cat([held, next(pieces)], axis)
        held, first = held.narrow(axis, low - first, first + held.shape[axis] - low), low
        length = int(part[0, 1] - part[0, 0])
        count = length if frames is None else frames
        within = np.minimum((np.arange(count) + 0.5) * length / count, length - 1).astype(np.int64)
        places = (torch.from_numpy(start - first + within) for start in part[:, 0])
        yield torch.cat([held.index_select(axis, place) for place in places])


def _batch(stream: Untrimmed, shown: Tensor, how: Running) -> Batch:
    """Make the batch of clips that are shown (see `Untrimmed.frames`)."""
    rows, count = len(shown), shown.shape[time_axis(shown)]
    nan = float("nan")
    context = Context(
        row=torch.zeros(rows, dtype=torch.long),
        times_s=torch.arange(count).expand(rows, -1) / stream.rate,
        crop_to_source=torch.eye(2, 3).expand(rows, -1, -1),
        camera=torch.full((rows, 4), nan),
        depth_ref_mm=torch.full((rows,), nan),
    )
    name = stream.source.spec.modality
    valid = {}
    if shown.ndim == 4:
        valid[name] = shown.isfinite().all(-1)
        shown = shown.nan_to_num()
    return Batch(inputs={name: shown}, valid=valid, context=context).to(how.device)
