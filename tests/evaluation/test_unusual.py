"""Unusual clips: brightness is what a network sees, and held-out rows are brighter than any."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, InputSpec, Source, make_table
from onebody.evaluation import UNKNOWN
from onebody.evaluation.unusual import (
    MOTION,
    fitted,
    look,
    measure_unusual,
    plain_classes,
    with_limits,
)
from onebody.labels import UNLABELED, symmetric
from onebody.models.familiar import SCORES
from stream_networks import tiny_stream

SPEC = InputSpec(modality="rgb", size=32, frames=4)
ROWS = 32


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """24 rows of two classes, dark and grey, each with a group; 8 unknown ones that flicker."""
    folder = tmp_path_factory.mktemp("bright")
    generator = np.random.default_rng(0)
    places = []
    for row in range(ROWS):
        level = 230 if row >= 24 else (40, 110)[row % 2]
        frames = generator.integers(level - 9, level + 9, (4, 32, 32, 3))
        if row >= 24:
            frames[::2] -= 120
        np.save(folder / f"{row}.npy", frames.astype(np.uint8))
        places.append(str(folder / f"{row}.npy"))
    known = np.arange(ROWS) < 24
    return make_table(
        "bright",
        {"rgb": places},
        columns={
            "action": ClassColumn(
                values=np.where(known, np.arange(ROWS) % 2, UNLABELED),
                space=symmetric("levels", ("walk", "sit")),
            ),
            UNKNOWN: ClassColumn(
                values=np.where(known, UNLABELED, 0), space=symmetric("unknown", (UNKNOWN,))
            ),
        },
        group=[f"film{row % 8}" for row in range(ROWS)],
    )


@pytest.fixture(scope="module")
def network():
    return tiny_stream(tasks=("action", "gesture", "both")).network


def source_of(table, network, rows):
    tasks = [network.tasks["action"]]
    return Source(
        table=table.select(np.array(rows)),
        spec=SPEC,
        targets=tuple(task.target_spec(table) for task in tasks),
        batch_size=5,
    )


def test_what_was_held_out_is_told_from_the_rest(table, network):
    train, test = source_of(table, network, range(16)), source_of(table, network, range(16, ROWS))
    seen = look(network, [train])
    assert seen.labels.tolist() == [0, 1] * 8
    familiar = with_limits(fitted(network, seen), look(network, [train]))
    found = measure_unusual(familiar, look(network, [test]), [test], draws=12)
    assert (found.fitted, found.usual, found.unusual, found.groups) == (16, 8, 8, "group")
    assert set(found.scores) == {*SCORES, MOTION}
    for name in ("mahalanobis", "neighbors", MOTION):
        assert found.scores[name].auroc == 1.0, name
        assert found.scores[name].fpr95 == 0.0, name
        assert found.scores[name].interval.bounds == (1.0, 1.0), name
    assert found.scores["mahalanobis"].caught == 1.0
    assert found.scores["mahalanobis"].alarms < 1.0
    assert found.scores[MOTION].limit is None
    assert math.isnan(found.scores[MOTION].caught)


def test_batches_and_clips_change_nothing_but_their_mean(table, network):
    one = look(network, [source_of(table, network, range(6))])
    two = look(network, [source_of(table, network, range(6))], clips=2)
    assert two.features.shape == one.features.shape
    assert two.row.tolist() == list(range(6))
    both = [source_of(table, network, range(4)), source_of(table, network, range(4, 6))]
    seen = look(network, both)
    assert seen.row.tolist() == list(range(6))
    torch.testing.assert_close(seen.features, one.features)


def test_one_kind_alone_cannot_be_measured(table, network):
    source = source_of(table, network, range(16))
    seen = look(network, [source])
    familiar = fitted(network, seen)
    with pytest.raises(ValueError, match="All 16 test rows are usual"):
        measure_unusual(familiar, seen, [source])
    with pytest.raises(ValueError, match="no row"):
        look(network, [])


def test_the_classes_are_those_that_a_joint_answer_joins(network):
    assert plain_classes(network.tasks) == ["action", "gesture"]
    assert plain_classes({"action": network.tasks["action"]}) == ["action"]
    with pytest.raises(ValueError, match="is a classification"):
        plain_classes({"pose": tiny_stream().network.tasks["pose"]})
