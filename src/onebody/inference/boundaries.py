"""From class scores to segments by the gradient of confidence over time.

A class's probability is smoothed and differentiated along time. It rises steepest where the class
begins and falls steepest where it ends: maxima of the derivative are starts, minima are ends. Every
start is paired with the next few ends; a pair's score is the mean probability within it less that
of its surroundings, so that the pair that lies closest around the class scores highest. Of pairs
that overlap the best one stays. No level of probability has to be passed: a class that is never
sure, but surer than before, is found.

Where a class means that nothing happens, edges may be those of whether anything does
(`any_gradient_segments`): its probability rises and falls at the same places whichever class it is,
also where classes take turns within one movement. A pair's label is then the class that is
likeliest between its edges.

Source: boundaries from the gradient of confidence are those of Xu, Zhou, Wang, Peng, Zhang,
"Optimization of Action Recognition Model Based on Multi-Task Learning and Boundary Gradient",
Electronics 10(19), 2021. The pairing of starts with ends is that of boundary-sensitive proposals
(Lin et al., "BSN", ECCV 2018); smoothing, score and suppression are ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from onebody.config import Config
from onebody.inference.segments import ScoreTrack, started_earlier, without_overlap
from onebody.metrics.events import Segment
from onebody.types import Doubles, Ints

_REACH = 3.0
"""Deviations of the smoothing on either side that count."""


class GradientConfig(Config):
    """When a rise and a fall of confidence are a segment.

    Attributes:
        smooth_s: standard deviation of the Gaussian that scores are smoothed with.
        slope: least rise at a start and least fall at an end, probability per second.
        least: least score of a segment: mean probability within less that around it.
        ends: how many of the ends after a start are tried with it.
        longest_s: longest segment.
        overlap: how much of the shorter one two segments may share.
        earlier_s: how much earlier than it is seen a segment begins.
    """

    smooth_s: float = Field(0.3, gt=0.0)
    slope: float = Field(0.15, gt=0.0)
    least: float = Field(0.25, ge=0.0, le=1.0)
    ends: int = Field(4, ge=1)
    longest_s: float = Field(12.0, gt=0.0)
    overlap: float = Field(0.3, ge=0.0, le=1.0)
    earlier_s: float = Field(0.0, ge=0.0)


def gradient_segments(track: ScoreTrack, config: GradientConfig) -> list[Segment]:
    """Find the segments of one stream.

    A segment is told when its end is known: after the smoothing has seen what follows it.

    Args:
        track: frames at a steady rate; scores of frames that come irregularly are interpolated.
        config: thresholds and times.

    Returns:
        Segments with scores in (0, 1] that hardly overlap, in order.
    """
    if len(track.times_s) < 3:
        return []
    times, curves = _steady(track)
    found = [
        _segment(track.classes[number], start, end, score, times, config)
        for number in np.flatnonzero(track.counts)
        for start, end, score in _pairs(times, curves[:, number], config)
    ]
    return started_earlier(without_overlap(found, config.overlap), config.earlier_s)


def any_gradient_segments(track: ScoreTrack, config: GradientConfig) -> list[Segment]:
    """Find the segments of one stream by the edges of whether anything happens.

    Args:
        track: as of `gradient_segments`.
        config: thresholds and times.

    Returns:
        As `gradient_segments`; nothing where no class means that nothing happens.
    """
    if len(track.times_s) < 3 or track.counts.all():
        return []
    times, curves = _steady(track)
    counted = np.flatnonzero(track.counts)
    found = []
    for start, end, score in _pairs(times, curves[:, counted].sum(axis=1), config):
        means = curves[start:end, counted].mean(axis=0)
        best = int(np.argmax(means))
        share = float(means[best] / max(means.sum(), 1e-9))
        label = track.classes[counted[best]]
        found.append(_segment(label, start, end, score * share, times, config))
    return started_earlier(without_overlap(found, config.overlap), config.earlier_s)


def _steady(track: ScoreTrack) -> tuple[Doubles, Doubles]:
    """Return steady times ``[T]`` and the scores ``[T, C]`` at them."""
    span_s = float(track.times_s[-1] - track.times_s[0])
    times = track.times_s[0] + np.arange(round(span_s / track.step_s) + 1) * track.step_s
    scores = track.scores.astype(np.float64)
    return times, np.stack([np.interp(times, track.times_s, own) for own in scores.T], axis=1)


def _pairs(
    times: Doubles, values: Doubles, config: GradientConfig
) -> Iterator[tuple[int, int, float]]:
    """Yield start, end and score of the pairs of one curve that are good enough."""
    step = float(times[1] - times[0])
    smooth = smoothed(values, config.smooth_s / step)
    slope = np.gradient(smooth, step)
    # what goes on at the ends of a stream begins and ends there
    starts = np.union1d(_peaks(slope, config.slope), [0])
    ends = np.union1d(_peaks(-slope, config.slope), [len(times) - 1])
    sums = np.concatenate([[0.0], np.cumsum(smooth)])
    for start in starts.tolist():
        first = int(np.searchsorted(ends, start + 1))
        for end in ends[first : first + config.ends].tolist():
            score = _contrast(sums, start, end)
            if (end - start) * step <= config.longest_s and score >= config.least and score > 0:
                yield start, end, score


def _segment(
    label: str, start: int, end: int, score: float, times: Doubles, config: GradientConfig
) -> Segment:
    """Make a segment; it is told when the smoothing has seen what follows its end."""
    return Segment(
        label=label,
        start_s=float(times[start]),
        end_s=float(times[end]),
        told_s=float(min(times[end] + _REACH * config.smooth_s, times[-1])),
        score=min(score, 1.0),
    )


def _contrast(sums: Doubles, start: int, end: int) -> float:
    """Return the mean from start to end less that of half as much before and after together.

    Args:
        sums: ``[T + 1]`` sums of the values before each frame.
        start: first frame.
        end: the frame after the last one.
    """
    inside = (sums[end] - sums[start]) / (end - start)
    half = max((end - start) // 2, 1)
    low, high = max(start - half, 0), min(end + half, len(sums) - 1)
    around = (sums[start] - sums[low]) + (sums[high] - sums[end])
    count = (start - low) + (high - end)
    return float(inside - around / count) if count else float(inside)


def smoothed(values: Doubles, deviation: float) -> Doubles:
    """Return values ``[T]`` smoothed by a Gaussian, deviation in frames; ends are continued."""
    reach = max(int(np.ceil(_REACH * deviation)), 1)
    places = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (places / deviation) ** 2)
    padded = np.pad(values, reach, mode="edge")
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), mode="valid"))


def _peaks(values: Doubles, least: float) -> Ints:
    """Return where values have a maximum of at least something; of a plateau its first frame."""
    inner = values[1:-1]
    found = (inner > values[:-2]) & (inner >= values[2:]) & (inner >= least)
    return np.asarray(np.flatnonzero(found) + 1, np.int64)
