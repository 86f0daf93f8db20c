"""When somebody begins to move, by their joints."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onebody.data import ClassColumn, InputSpec, JointsColumn, Source, make_table
from onebody.evaluation.movement_onset import movement_onset, onset_frame
from onebody.evaluation.untrimmed import UntrimmedConfig, plan_streams
from onebody.labels import symmetric
from onebody.tasks import ClassificationConfig, Pose2DConfig, Pose3DConfig, build_tasks

SPEC = InputSpec(modality="depth", size=8, frames=4, sampling="dense")
FRAMES = 30


def path_of(rest, dims, far=100.0):
    """Joints of coco-17 of which one goes straight away after a rest."""
    joints = np.zeros((FRAMES, 17, dims + 1), np.float32)
    joints[..., -1] = 1
    joints[:, 9, 0] = np.maximum(np.arange(FRAMES) - rest, 0) * far / (FRAMES - 1 - rest)
    return joints


@pytest.fixture
def table(tmp_path):
    places, flat, deep = [], [], []
    for row, rest in enumerate((5, 12, 12)):
        np.save(tmp_path / f"{row}.npy", np.full((FRAMES, 8, 8), 50, np.uint8))
        np.save(tmp_path / f"{row}-2.npy", path_of(rest, 2))
        np.save(tmp_path / f"{row}-3.npy", path_of(rest + 3, 3))
        places.append(str(tmp_path / f"{row}.npy"))
        flat.append(str(tmp_path / f"{row}-2.npy") if row < 2 else "")
        deep.append(str(tmp_path / f"{row}-3.npy") if row == 1 else "")
    return make_table(
        "paths",
        {"depth": places},
        columns={
            "action": ClassColumn(values=np.array([0, 1, 0]), space=symmetric("m", ("a", "b"))),
            "flat": JointsColumn(sources=np.array(flat), skeleton="coco-17", unit="px"),
            "deep": JointsColumn(sources=np.array(deep), skeleton="coco-17", unit="mm"),
        },
        fps=[10.0] * 3,
        subject=["ann"] * 3,
        camera_matrix=[[8.0, 8.0, 4.0, 4.0]] * 3,
        depth_ref_mm=[2000.0] * 3,
    )


def source_of(table, *names):
    configs = {
        "action": ClassificationConfig(name="action", column="action", classes=("a", "b")),
        "flat": Pose2DConfig(name="flat", column="flat", skeleton="coco-17"),
        "deep": Pose3DConfig(name="deep", column="deep", skeleton="coco-17"),
    }
    tasks = build_tasks({name: configs[name] for name in names})
    targets = tuple(task.target_spec(table) for task in tasks.values())
    return Source(table=table, spec=SPEC, targets=targets), tasks


def test_it_is_where_a_joint_is_a_tenth_of_its_way_from_its_first_place(table):
    source, _ = source_of(table, "action", "flat", "deep")
    # after a rest of 5 frames 24 are left: 3 of them are more than a tenth
    assert movement_onset(source, 0, 10.0) == pytest.approx(0.8)
    # the 3D joints go before the 2D ones, and rest for 15 frames; 2 of 14 are more than a tenth
    assert movement_onset(source, 1, 10.0) == pytest.approx(1.7)
    assert math.isnan(movement_onset(source, 2, 10.0))
    alone, _ = source_of(table, "action")
    assert math.isnan(movement_onset(alone, 0, 10.0))


def test_joints_that_are_not_known_do_not_move():
    places = np.zeros((6, 2, 2), np.float32)
    places[2:, 1] = 50.0
    known = np.ones((6, 2), np.bool_)
    assert onset_frame(places, known) == 2
    known[2:4, 1] = False
    assert onset_frame(places, known) == 4
    known[0, 1] = False
    assert math.isnan(onset_frame(places, known))


def test_streams_know_when_somebody_moves(table):
    source, tasks = source_of(table, "action", "flat")
    (stream,) = plan_streams(source, tasks["action"], tasks, 5.0, UntrimmedConfig(minutes=None))
    truth = stream.truth(("a", "b"))
    order = [piece.row for piece in stream.pieces if not piece.held]
    rests = {0: 0.8, 1: 1.4}
    assert len(truth) == 3
    for segment, row in zip(truth, order, strict=True):
        if row in rests:
            assert segment.moves_s - segment.start_s == pytest.approx(rests[row])
        else:
            assert math.isnan(segment.moves_s)


def test_joints_of_another_length_are_named(table, tmp_path):
    source, _ = source_of(table, "action", "flat")
    np.save(tmp_path / "0-2.npy", path_of(3, 2)[:-1])
    with pytest.raises(ValueError, match=r"0-2.npy: expected joints \[30, J, 3\].*found \[29"):
        movement_onset(source, 0, 10.0)
