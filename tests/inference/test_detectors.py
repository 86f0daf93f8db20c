"""Every way to make segments, on the same scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onebody.inference.activity import ActivityConfig
from onebody.inference.detectors import DETECTORS, WindowConfig
from onebody.inference.events import EventConfig
from onebody.inference.segments import ScoreTrack, started_earlier

CLASSES = ("walk", "wave", "none of these")


def scores_of(times):
    """Return scores of walking from 4 to 6 s and waving from 10 to 12 s, else of nothing."""
    index = np.full(len(times), 2)
    index[(times >= 4) & (times < 6)] = 0
    index[(times >= 10) & (times < 12)] = 1
    return np.where(np.arange(3) == index[:, None], 0.9, 0.05).astype(np.float32)


@pytest.fixture(scope="module")
def track():
    times = np.arange(0, 16, 0.1)
    windows = np.stack([np.arange(0, 14, 0.5), np.arange(2, 16, 0.5)], axis=1)
    inside = [scores_of(np.arange(a, b, 0.1)).mean(0) for a, b in windows]
    return ScoreTrack(
        classes=CLASSES,
        times_s=times,
        scores=scores_of(times),
        windows_s=windows,
        window_scores=np.array(inside, np.float32),
    )


@pytest.mark.parametrize("name", DETECTORS)
def test_what_happens_is_found_by_its_defaults(name, track):
    detector = DETECTORS[name]
    found = detector.find(track, detector.config())
    assert [s.label for s in found] == ["walk", "wave"]
    assert all(0 < s.score <= 1 for s in found)
    assert all(s.start_s < s.end_s and s.told_s > s.start_s for s in found)
    for segment, (start, end) in zip(found, ((4, 6), (10, 12)), strict=True):
        assert abs(segment.start_s - start) <= 1.0
        assert abs(segment.end_s - end) <= 1.0


@pytest.mark.parametrize("config", [EventConfig(), ActivityConfig(earlier_s=0.0)])
def test_a_stream_lets_events_begin_earlier_as_one_would_afterwards(config):
    """Settings are chosen by moving segments that are known; a stream moves them as they come."""
    generator = np.random.default_rng(0)
    times = np.arange(0, 60, 0.1)
    steps = np.repeat(generator.dirichlet([0.2, 0.2, 0.4], len(times) // 6), 6, axis=0)
    many = ScoreTrack(classes=CLASSES, times_s=times, scores=steps.astype(np.float32))
    name = "activity" if isinstance(config, ActivityConfig) else "events"
    plain = DETECTORS[name].find(many, config)
    assert len(plain) > 10
    for earlier in (0.3, 1.2):
        moved = config.model_copy(update={"earlier_s": earlier})
        found = DETECTORS[name].find(many, moved)
        assert found == started_earlier(plain, earlier)
        assert found != plain


@pytest.mark.parametrize("name", DETECTORS)
def test_the_grid_holds_distinct_settings_and_begins_with_the_plainest(name):
    detector = DETECTORS[name]
    texts = [config.model_dump_json() for config in detector.grid]
    assert len(set(texts)) == len(texts)
    assert all(isinstance(config, detector.config) for config in detector.grid)
    assert 10 <= len(detector.summary) <= 90


def test_windows_of_one_length_can_be_looked_at(track):
    spans = np.array([[0.0, 1.0], [4.0, 5.0], [0.2, 2.2], [6.0, 8.0]])
    scores = np.full((4, len(CLASSES)), 0.1)
    scores[:, 0] = (0.9, 0.8, 0.7, 0.6)
    wide = replace(track, windows_s=spans, window_scores=scores.astype(np.float32))
    find = DETECTORS["window"].find
    assert [s.start_s for s in find(wide, WindowConfig())] == [0.0, 4.0, 6.0]
    assert [s.start_s for s in find(wide, WindowConfig(lengths=(1,)))] == [0.2, 6.0]
    assert find(wide, WindowConfig(lengths=(2,))) == find(wide, WindowConfig()), "there is no third"
    jitter = replace(wide, windows_s=spans + np.array([[0, 1], [0, -1], [0, 0], [0, 9]]) / 1e3)
    for lengths, starts in (((0,), [0.0, 4.0]), ((1,), [0.2, 6.0])):
        assert [s.start_s for s in find(jitter, WindowConfig(lengths=lengths))] == starts
    for impossible in ((-1,), ()):
        with pytest.raises(ValueError, match="lengths"):
            WindowConfig(lengths=impossible)


def test_windows_need_their_scores(track):
    bare = ScoreTrack(classes=CLASSES, times_s=track.times_s, scores=track.scores)
    with pytest.raises(ValueError, match="found none"):
        DETECTORS["window"].find(bare, WindowConfig())
