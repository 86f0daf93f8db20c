"""Detection in streams: what networks are asked, how settings are chosen, what is measured."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, InputSpec, Source, make_table
from onebody.evaluation.detection import (
    choose,
    label_spaces,
    measure_detection,
    measure_segments,
    stream_rate,
)
from onebody.evaluation.stream_scores import stream_track, window_spans
from onebody.evaluation.untrimmed import UntrimmedConfig, plan_streams
from onebody.inference.detectors import DETECTORS, WindowConfig
from onebody.labels import symmetric
from onebody.metrics.events import Segment
from onebody.models import Calibration, SavedNetwork
from onebody.models.base import Network
from onebody.tasks import ClassificationConfig, build_tasks, resolve_tasks

SPEC = InputSpec(modality="depth", size=8, frames=10, sampling="dense")


class Brightness(Network):
    """Says walk where the left half is brighter, wave where the right one is, else neither."""

    def __init__(self, tasks, *, causal):
        super().__init__()
        self.tasks, self.causal = tasks, causal
        self.scale = torch.nn.Parameter(torch.tensor(60.0))
        self.lengths = []

    def forward(self, batches, rows=None):
        return [{name: (self.logits(batch),) for name in self.tasks} for batch in batches]

    def stream(self, frame, state):
        return {name: (self.logits(frame),) for name in self.tasks}, {
            "count": state.get("count", torch.zeros(1)) + frame.num_frames
        }

    def logits(self, batch):
        x = batch.inputs["depth"]
        self.lengths.append(x.shape[2])
        lead = (x[..., :4] - x[..., 4:]).mean((1, 3, 4)) * self.scale  # [B, T]
        frames = torch.stack([lead, -lead, torch.full_like(lead, 2.0)], dim=-1)
        return frames if self.tasks["action"].per_frame else frames.mean(1)

    def shared(self, tasks):
        raise NotImplementedError


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six clips of 20 frames: 5 grey, 10 in which one half is bright, 5 grey."""
    folder = tmp_path_factory.mktemp("halves")
    places = []
    for row in range(6):
        frames = np.full((20, 8, 8), 100, np.uint8)
        frames[3:17, :, slice(0, 4) if row % 2 == 0 else slice(4, 8)] = 200
        np.save(folder / f"{row}.npy", frames)
        places.append(str(folder / f"{row}.npy"))
    space = symmetric("moves", ("walk", "wave", "nothing"))
    return make_table(
        "halves",
        {"depth": places},
        columns={"action": ClassColumn(values=np.arange(6) % 2, space=space)},
        fps=[10.0] * 6,
        subject=["ann"] * 6,
    )


def saved_of(table, *, causal, calibration=None):
    configs = resolve_tasks({"action": ClassificationConfig(per_frame=causal)}, [table])
    network = Brightness(build_tasks(configs), causal=causal)
    return SavedNetwork(
        network=network,
        tasks=configs,
        input=SPEC,
        config=ClassificationConfig(),
        notes={"fps": 10.0},
        calibration=calibration or {},
    )


def source_of(table, saved):
    targets = tuple(task.target_spec(table) for task in saved.network.tasks.values())
    return Source(table=table, spec=SPEC, targets=targets)


@pytest.mark.parametrize("causal", [True, False])
def test_a_network_that_sees_it_is_measured_well_by_every_way(table, causal):
    saved = saved_of(table, causal=causal)
    rows = [source_of(table.select(np.arange(6) // 3 == part), saved) for part in (0, 1)]
    said = []
    found = measure_detection(
        saved, [rows[0]], [rows[1]], UntrimmedConfig(minutes=0.3), say=said.append
    )["action"]
    assert found.clips == 3
    assert 0.3 <= found.minutes < 0.5
    assert 0 < found.idle_minutes < found.minutes
    assert len(said) == 2
    for name, way in found.ways.items():
        assert way.chosen is not None, name
        sharp = causal or name == "window"  # means over windows are smeared
        assert way.f1[0.5 if sharp else 0.1] > 0.6, name
        assert way.precision[0.5 if sharp else 0.3] > 0.6, name
        assert way.edit > 0.6 or not causal, name
        assert way.false_per_minute <= 10, name
        assert 0 <= way.delay_s < 3.0, name
        assert way.true >= 3


def test_a_causal_network_runs_as_a_stream_and_others_in_windows(table):
    config = UntrimmedConfig(minutes=None)
    for causal in (True, False):
        saved = saved_of(table, causal=causal)
        task = saved.network.tasks["action"]
        (stream,) = plan_streams(
            source_of(table, saved), task, saved.network.tasks, stream_rate(saved), config
        )
        track = stream_track(saved, task, stream, windows=False)
        assert track.window_scores is None
        assert track.scores.shape == (stream.num_frames, 3)
        if causal:
            assert sum(saved.network.lengths) == stream.num_frames
        assert (set(saved.network.lengths) == {10}) == (not causal)
        wide = stream_track(saved, task, stream)
        np.testing.assert_allclose(wide.scores, track.scores, atol=1e-6)
        assert {round(b - a, 1) for a, b in wide.windows_s.tolist()} == {0.7, 1.0, 1.4}
        if causal:  # nothing of the windows' scores: the very answers, frame by frame
            pixels = torch.cat(list(stream.frames()), dim=2)
            lead = (pixels[..., :4] - pixels[..., 4:]).mean((0, 1, 3, 4)) * 60
            assert track.scores[:, 0] == pytest.approx(
                torch.softmax(torch.stack([lead, -lead, torch.full_like(lead, 2.0)]), 0)[
                    0
                ].detach(),
                abs=1e-5,
            )


def test_a_streams_baseline_has_windows_as_long_as_the_usual_clip(table):
    lengths = {}
    for clip_s in (0.5, 3.0):
        saved = saved_of(table, causal=True)
        saved = replace(saved, notes={**saved.notes, "clip_s": clip_s})
        task = saved.network.tasks["action"]
        (stream,) = plan_streams(
            source_of(table, saved),
            task,
            saved.network.tasks,
            10.0,
            UntrimmedConfig(minutes=None),
        )
        spans = stream_track(saved, task, stream).windows_s.tolist()
        lengths[clip_s] = {round(b - a, 1) for a, b in spans}
    assert lengths == {0.5: {0.4, 0.5, 0.7}, 3.0: {0.7, 1.0, 1.4}}, "no longer than it is given"


def test_scores_are_calibrated(table):
    config = UntrimmedConfig(minutes=None)
    cold = saved_of(table, causal=True)
    warm = saved_of(table, causal=True, calibration={"action": Calibration(temperature=4.0)})
    tracks = []
    for saved in (cold, warm):
        task = saved.network.tasks["action"]
        (stream,) = plan_streams(source_of(table, saved), task, saved.network.tasks, 10.0, config)
        tracks.append(stream_track(saved, task, stream, windows=False).scores)
    logits = np.log(tracks[0].astype(np.float64)) / 4
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(tracks[1], expected, atol=1e-4)


def test_windows_cover_the_stream():
    spans = window_spans(103, 20)
    assert spans[0].tolist() == [0, 20]
    assert spans[-1].tolist() == [83, 103]
    assert (np.diff(spans[:, 0]) <= 5).all()
    assert (np.diff(spans, axis=1) == 20).all()
    assert window_spans(7, 20).tolist() == [[0, 7]]


def streamed(table):
    """Return a stream of every clip, what a causal network says along it, and what happens."""
    saved = saved_of(table, causal=True)
    task = saved.network.tasks["action"]
    (stream,) = plan_streams(
        source_of(table, saved), task, saved.network.tasks, 10.0, UntrimmedConfig(minutes=None)
    )
    track, truth = stream_track(saved, task, stream), stream.truth(task.classes)
    return stream, track, truth


def test_settings_are_those_with_the_greatest_f1_and_the_first_of_equal_ones(table):
    stream, track, truth = streamed(table)
    for way in DETECTORS.values():
        chosen = choose(way, [track], [truth])
        found = way.find(track, chosen.config)
        best = measure_segments(
            [found], [truth], [stream.length_s], config=chosen.config, chosen=chosen
        )
        assert np.mean(list(best.f1.values())) == pytest.approx(chosen.f1)
        assert best.delay_s == best.chosen_delay_s == chosen.delay_s
    nothing = choose(DETECTORS["window"], [track], [[]])
    assert (nothing.config, nothing.f1) == (DETECTORS["window"].grid[0], 0.0)
    assert nothing.delay_s == math.inf


def test_settings_that_tell_too_late_are_not_chosen(table):
    stream, track, truth = streamed(table)
    way = DETECTORS["events"]

    def delay(config, of=truth):
        found = way.find(track, config)
        return measure_segments([found], [of], [stream.length_s], config=config)

    reached = choose(way, [track], [truth]).f1
    free = max(
        delay(config).delay_s
        for config in way.grid
        if np.mean(list(delay(config).f1.values())) == pytest.approx(reached)
    )
    within = choose(way, [track], [truth], max_delay_s=free - 0.1)
    quick = within.config
    assert delay(quick).delay_s == within.delay_s <= free - 0.1
    assert within.f1 <= reached
    none = choose(way, [track], [truth], max_delay_s=0.0)
    assert none.delay_s == min(delay(config).delay_s for config in way.grid) > 0
    moving = [replace(segment, moves_s=segment.start_s + 0.3) for segment in truth]
    assert delay(quick, moving).moved_delay_s == pytest.approx(delay(quick).delay_s - 0.3)
    late = choose(way, [track], [moving], max_delay_s=free - 0.4)
    assert delay(late.config).delay_s <= free - 0.1


def test_without_validation_rows_nothing_is_chosen(table):
    saved = saved_of(table, causal=True)
    found = measure_detection(
        saved,
        [],
        [source_of(table, saved)],
        UntrimmedConfig(minutes=None),
        detectors=("events",),
    )["action"]
    assert list(found.ways) == ["events"]
    assert found.ways["events"].chosen is None
    assert found.ways["events"].config == DETECTORS["events"].config()


def test_figures_by_hand():
    def seg(label, start, end, **more):
        return Segment(label=label, start_s=start, end_s=end, **more)

    truth = [[seg("a", 0, 10), seg("b", 20, 30)]]
    found = [
        [
            seg("a", 1, 10, told_s=2, score=0.9),
            seg("b", 26, 30, told_s=27, score=0.5),
            seg("b", 40, 45, told_s=41, score=0.6),
        ]
    ]
    made = measure_segments(found, truth, [60.0], config=WindowConfig())
    assert made.f1 == {0.1: 0.8, 0.25: 0.8, 0.5: 0.4}
    assert made.precision[0.3] == pytest.approx((1 + 1 / 2) / 2)
    assert made.precision[0.5] == pytest.approx(0.5)
    assert made.edit == pytest.approx(2 / 3)
    assert made.false_per_minute == pytest.approx(1 / (40 / 60))
    assert made.delay_s == 2.0
    assert (made.found, made.true) == (3, 2)
    nothing = measure_segments([[]], [[]], [60.0], config=WindowConfig())
    assert math.isnan(nothing.edit)
    assert math.isnan(nothing.delay_s)


def test_the_joint_answer_speaks_where_there_is_one(table):
    from stream_networks import tiny_stream

    tasks = tiny_stream().network.tasks
    assert label_spaces(tasks) == ["both"]
    assert label_spaces({n: t for n, t in tasks.items() if n != "both"}) == ["action", "gesture"]
    with pytest.raises(ValueError, match="says what happens"):
        label_spaces({"pose": tasks["pose"]})


def test_a_network_that_does_not_know_its_rate_is_refused(table):
    saved = saved_of(table, causal=True)
    bare = SavedNetwork(
        network=saved.network, tasks=saved.tasks, input=SPEC, config=saved.config, notes={}
    )
    with pytest.raises(ValueError, match="frames per second"):
        stream_rate(bare)
