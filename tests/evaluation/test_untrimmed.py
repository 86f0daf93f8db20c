"""Streams made of clips: who follows whom, what lies between, and what is true when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, InputSpec, Source, make_table
from onebody.data.assemble import make_batch
from onebody.data.flow import flow_of
from onebody.evaluation.untrimmed import UntrimmedConfig, plan_streams, row_frames
from onebody.labels import UNLABELED, symmetric
from onebody.tasks import ClassificationConfig, WhichConfig, build_tasks, resolve_tasks

SPEC = InputSpec(modality="depth", size=8, frames=4, sampling="dense", stride=2)
RATE = 5.0
"""Of the streams; media run at 10."""


def clip(brightness, frames=12, seed=0):
    """Frames that get brighter, so that one can tell which is which, with noise of one step."""
    noise = np.random.default_rng(seed).integers(0, 2, (frames, 8, 8))
    return (brightness + np.arange(frames)[:, None, None] + noise).astype(np.uint8)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    places = []
    for row in range(7):
        np.save(folder / f"{row}.npy", clip(20 + 30 * row, seed=row))
        places.append(str(folder / f"{row}.npy"))
    space = symmetric("moves", ("walk", "wave"))
    kinds = symmetric("kinds", ("action", "other", "idle"))
    return make_table(
        "clips",
        {"depth": places},
        columns={
            "action": ClassColumn(
                values=np.array([0, 1, 0, 1, 0, UNLABELED, UNLABELED]), space=space
            ),
            "kind": ClassColumn(values=np.array([0, 0, 0, 0, 0, 2, UNLABELED]), space=kinds),
        },
        fps=[10.0] * 7,
        subject=["ann", "ann", "ann", "bob", "bob", "bob", "bob"],
    )


def planned(table, config, *, idle=False, spec=SPEC):
    configs = {
        "action": ClassificationConfig(),
        "other": ClassificationConfig(column="action"),
        **(
            {"kind": WhichConfig(of=("action", "other"), column="kind", none="idle")}
            if idle
            else {}
        ),
    }
    tasks = build_tasks(resolve_tasks(configs, [table]))
    source = Source(
        table=table, spec=spec, targets=tuple(t.target_spec(table) for t in tasks.values())
    )
    return plan_streams(source, tasks["action"], tasks, RATE, config)


def test_optical_flow_is_that_of_the_whole_stream(source):
    config = UntrimmedConfig(minutes=None, gap_s=(1.0, 2.0))
    (plain, *_) = planned(source, config, spec=SPEC.model_copy(update={"size": 16}))
    spec = SPEC.model_copy(update={"modality": "flow/depth", "size": 16})
    (stream, *_) = planned(source, config, spec=spec)
    pictures = torch.cat(list(plain.frames()), dim=2)
    found = torch.cat(list(stream.frames()), dim=2)
    assert found.shape == (1, 2, stream.num_frames, 16, 16)
    assert torch.equal(found, flow_of(pictures))
    assert found.any()


def test_every_clip_is_shown_whole_once_with_frames_held_between(source):
    streams = planned(source, UntrimmedConfig(minutes=None, gap_s=(1.0, 2.0)))
    assert len(streams) == 2
    shown = [piece for stream in streams for piece in stream.pieces if not piece.held]
    assert sorted(piece.row for piece in shown) == [0, 1, 2, 3, 4]
    assert all(piece.frames == 6 for piece in shown)  # 12 frames, every other one
    for stream in streams:
        people = {source.subject[piece.row] for piece in stream.pieces}
        assert len(people) == 1
        assert stream.pieces[0].held == "first"
        assert stream.pieces[-1].held == "last"
        for before, piece, after in zip(
            stream.pieces, stream.pieces[1:], stream.pieces[2:], strict=False
        ):
            if not piece.held:
                assert (before.row, before.held) == (piece.row, "first")
                assert (after.row, after.held) == (piece.row, "last")
        gaps = [p.frames for p in stream.pieces if p.held]
        assert min(gaps) >= 2
        assert max(gaps) <= 10


def test_frames_are_those_of_a_test_and_held_ones_stand_still(source):
    (stream, _) = planned(source, UntrimmedConfig(minutes=None))
    parts = list(stream.frames())
    assert sum(part.shape[2] for part in parts) == stream.num_frames
    for piece, part in zip(stream.pieces, parts, strict=True):
        assert part.shape == (1, 1, piece.frames, 8, 8)
        if piece.held:
            assert float(part.std(dim=2).max()) < 6 / 255
            assert float((part[:, :, 0] - part[:, :, 1]).abs().max()) > 0
        else:
            spec = SPEC.model_copy(update={"frames": 6})
            one = make_batch(source, [piece.row], spec, (), augment=None).inputs["depth"]
            torch.testing.assert_close(part, one)
    again = list(stream.frames())
    assert all(torch.equal(a, b) for a, b in zip(parts, again, strict=True))


def test_the_truth_is_where_the_clips_are(source):
    for stream in planned(source, UntrimmedConfig(minutes=None)):
        truth = stream.truth(("walk", "wave"))
        begin = 0
        found = iter(truth)
        for piece in stream.pieces:
            if not piece.held:
                segment = next(found)
                assert segment.start_s == pytest.approx(begin / RATE)
                assert segment.end_s == pytest.approx((begin + 6) / RATE)
                assert segment.label == ("walk", "wave")[piece.label]
            begin += piece.frames
        assert stream.length_s == pytest.approx(begin / RATE)


def test_clips_come_round_again_in_another_order_until_it_is_long_enough(source):
    config = UntrimmedConfig(minutes=1.0, seed=3)
    streams = planned(source, config)
    length = sum(stream.length_s for stream in streams)
    assert 60 <= length < 70
    rows = [[p.row for p in stream.pieces if not p.held] for stream in streams]
    assert len({tuple(own) for own in rows}) > 2
    again = planned(source, config)
    assert [s.pieces for s in again] == [s.pieces for s in streams]
    other = planned(source, UntrimmedConfig(minutes=1.0, seed=4))
    assert [s.pieces for s in other] != [s.pieces for s in streams]


def test_people_who_do_nothing_are_shown_where_there_are_some(source):
    streams = planned(source, UntrimmedConfig(minutes=None), idle=True)
    assert not any(piece.held for stream in streams for piece in stream.pieces)
    between = [p for stream in streams for p in stream.pieces if p.label == UNLABELED]
    assert {piece.row for piece in between} == {5}  # row 6 may be anything
    assert all(len(stream.truth(("walk", "wave"))) in (2, 3) for stream in streams)


def test_clips_of_a_class_that_means_nothing_lie_between_the_others(source):
    column = source.columns["action"]
    space = symmetric("moves", ("walk", "wave", "idle"))
    values = np.array([0, 1, 2, 1, 0, 2, UNLABELED])
    table = replace(source, columns={"action": replace(column, values=values, space=space)})
    tasks = build_tasks(
        resolve_tasks({"action": ClassificationConfig(per_frame=True, nothing="idle")}, [table])
    )
    targets = (tasks["action"].target_spec(table),)
    given = Source(table=table, spec=SPEC, targets=targets)
    streams = plan_streams(given, tasks["action"], tasks, RATE, UntrimmedConfig(minutes=None))
    classes = tasks["action"].classes
    assert {s.label for stream in streams for s in stream.truth(classes)} == {"walk", "wave"}
    between = [p for stream in streams for p in stream.pieces if p.label == UNLABELED]
    assert {piece.row for piece in between} == {2, 5}
    assert not any(piece.held for piece in between)


def test_skeletons_are_shown_as_in_a_test_and_held_as_they_are(tmp_path):
    places = []
    for row in range(3):
        joints = np.random.default_rng(row).normal(0, 0.01, (12, 17, 2)).astype(np.float32)
        joints += np.random.default_rng(9).normal(0, 1.0, (17, 2)).astype(np.float32)
        joints[:, 3] = np.nan
        joints[3:, 9, 0] += np.linspace(0, 2, 9, dtype=np.float32)
        np.save(tmp_path / f"{row}.npy", joints)
        places.append(str(tmp_path / f"{row}.npy"))
    table = make_table(
        "joints",
        {"skeleton": places},
        columns={
            "action": ClassColumn(values=np.arange(3) % 2, space=symmetric("m", ("walk", "wave")))
        },
        fps=[10.0] * 3,
        layouts={"skeleton": "coco-17"},
    )
    spec = InputSpec(
        modality="skeleton", skeleton="coco-17", dims=2, frames=4, sampling="dense", stride=2
    )
    (stream,) = planned(table, UntrimmedConfig(minutes=None), spec=spec)
    parts = list(stream.frames())
    assert sum(part.shape[1] for part in parts) == stream.num_frames
    for piece, part in zip(stream.pieces, parts, strict=True):
        assert part.shape == (1, piece.frames, 17, 2)
        assert part[:, :, 3].isnan().all()
        assert not part[:, :, :3].isnan().any()
        if piece.held:
            assert 0 < float(part[:, :, :3].std(dim=1).max()) < 0.1
        else:
            whole = spec.model_copy(update={"frames": 6})
            one = make_batch(table, [piece.row], whole, (), augment=None)
            torch.testing.assert_close(part.nan_to_num(), one.inputs["skeleton"])
    (begun, *_) = stream.truth(("walk", "wave"))
    assert begun.moves_s - begun.start_s == pytest.approx(0.4), "frame 4 of 10 per second"


def test_a_medium_without_a_clock_and_numbers_are_refused(source):
    assert row_frames(source, 0, "depth", 10.0) == (12, 1)
    bare = make_table("bare", {"depth": list(source.media["depth"])})
    with pytest.raises(ValueError, match="frame rate"):
        row_frames(bare, 0, "depth", 10.0)
    worn = make_table("worn", {"imu": list(source.media["depth"])}, columns=source.columns)
    tasks = build_tasks(resolve_tasks({"action": ClassificationConfig()}, [worn]))
    numbers = Source(table=worn, spec=InputSpec(modality="imu"), targets=())
    with pytest.raises(ValueError, match="one medium, pictures or skeletons, found 'imu'"):
        plan_streams(numbers, tasks["action"], tasks, 5.0, UntrimmedConfig())
