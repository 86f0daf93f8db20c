"""A test with the table's boxes, without, and with those that the network finds."""

from dataclasses import replace

import numpy as np
import pytest

from marker_network import Markers, marker_table
from onebody.data import InputSpec, Source
from onebody.evaluation import evaluate, figures, with_boxes

SPEC = InputSpec(size=32, frames=3, box_scale=1.6)


@pytest.fixture
def source(tmp_path):
    table = marker_table(tmp_path, rows=5, height=200, width=300, boxes=True)
    targets = tuple(task.target_spec(table) for task in Markers().tasks.values())
    return Source(table=table, spec=SPEC, targets=targets, batch_size=2)


def error(sources):
    network = Markers()
    return figures(network.tasks, evaluate(network, sources, tasks=["pose"]))["pose"]["error"]


def test_own_boxes_are_near_the_true_ones(source):
    (own,), missed = with_boxes(Markers(), [source], "own")
    assert missed == 0
    np.testing.assert_allclose(own.table.box, source.table.box, atol=12)
    (whole,), _ = with_boxes(Markers(), [source], "none")
    assert np.isnan(whole.table.box).all()
    (same,), _ = with_boxes(Markers(), [source], "table")
    assert same is source
    assert error([own]) < error([whole])
    assert error([own]) == pytest.approx(error([source]), abs=0.7)


def test_the_first_pass_does_not_look_at_the_tables_boxes(source):
    network = Markers()
    with_boxes(network, [source], "own")
    for affine in network.seen:
        assert affine[:, 0, 0].tolist() == [300.0] * len(affine)


def test_rows_without_a_box_are_counted_and_looked_at_whole(source, tmp_path):
    np.save(tmp_path / "frames1.npy", np.zeros((3, 200, 300, 3), np.uint8))
    (own,), missed = with_boxes(Markers(), [source], "own", clips=2)
    assert missed == 1
    assert np.isnan(own.table.box[1]).all()
    assert len(evaluate(Markers(), own)["pose"]) == 15


def test_a_network_without_poses_is_refused(source):
    network = Markers()
    del network.tasks["pose"]
    with pytest.raises(ValueError, match="without a pose task"):
        with_boxes(network, [replace(source, targets=())], "own")
