"""A test with the table's boxes, without, and with those that the network finds."""

from dataclasses import replace

import numpy as np
import pytest

from marker_network import Boxed, Markers, marker_table
from onebody.config import Config
from onebody.data import InputSpec, Source
from onebody.evaluation import evaluate, figures, with_boxes
from onebody.models import SavedNetwork

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


def test_another_network_may_find_the_people(source):
    finder = SavedNetwork(network=Boxed(), tasks={}, input=SPEC, config=Config(), notes={})
    (own,), missed = with_boxes(Markers(), [source], "own", finder=finder)
    assert missed == 0
    np.testing.assert_allclose(own.table.box, source.table.box, atol=12)
    depth = replace(finder, input=SPEC.model_copy(update={"modality": "depth"}))
    with pytest.raises(ValueError, match="finds people in 'rgb', found one that reads 'depth'"):
        with_boxes(Markers(), [source], "own", finder=depth)


def test_a_task_of_the_tables_boxes_is_not_measured_on_others(source):
    network = Boxed()
    place = replace(network.tasks["place"], column="box")
    of_table = place.target_spec(source.table)
    whole = replace(
        source,
        spec=SPEC.model_copy(update={"look": "picture"}),
        targets=(*source.targets, of_table),
    )
    (own,), _ = with_boxes(network, [whole], "own")
    assert own.targets == source.targets
    assert own.spec.look == "box"
    kept = replace(whole, targets=(network.tasks["place"].target_spec(source.table),))
    (none,), _ = with_boxes(network, [kept], "none")
    assert none.targets == kept.targets  # joints stay the truth, whatever is looked at
    assert figures(network.tasks, evaluate(network, none, tasks=["place"]))["place"]["iou"] > 0.7
