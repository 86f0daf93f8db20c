"""Simulated people with things, in scenes, anywhere in the picture, and their boxes."""

from dataclasses import replace

import numpy as np
import pytest

from onebody.config import read_config, without_later
from onebody.data import ClassColumn
from onebody.data.sources import read_array
from onebody.datasets.simulated import SimulatedConfig, build_simulated, cache_folder
from onebody.datasets.simulated_stage import chosen, stage_columns, with_joint_boxes

THINGS, PLACES = ("ball", "bag", "umbrella"), ("gym", "park")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return SimulatedConfig(
        size=40,
        frames=2,
        people=6,
        clips=2,
        actions=("squat",),
        gestures=("wave",),
        objects=THINGS,
        scenes=PLACES,
        fill=(0.3, 0.4),
        place=(0.0, 1.0),
        boxes="joints",
        cache=tmp_path_factory.mktemp("cache"),
    )


@pytest.fixture(scope="module")
def table(config):
    return build_simulated(config)


def test_things_and_scenes_are_columns_of_every_clip(table):
    for name, classes in (("object", THINGS), ("scene", PLACES)):
        column = table.columns[name]
        assert isinstance(column, ClassColumn)
        assert column.space.classes == classes
        assert column.space.mirror == {c: c for c in classes}
        assert set(column.values) == set(range(len(classes)))
    both = set(zip(table.columns["object"].values, table.columns["scene"].values, strict=True))
    assert len(both) >= 5  # they are drawn apart


def test_boxes_hold_the_joints_and_small_people_are_anywhere(table):
    sides, middles = [], []
    for row in range(len(table)):
        joints = read_array(str(table.columns["joints2d"].sources[row]))[..., :2].reshape(-1, 2)
        box = table.box[row]
        np.testing.assert_allclose(box, [*joints.min(0), *joints.max(0)], atol=1e-3)
        sides.append(max(box[2] - box[0], box[3] - box[1]) / 40)
        middles.append((box[:2] + box[2:]) / 80)
    assert 0.1 < min(sides) <= max(sides) < 0.45
    middles = np.array(middles)
    assert (np.ptp(middles, axis=0) > 0.4).all()
    assert (middles > 0).all()
    assert (middles < 1).all()


def test_boxes_do_not_render_anew(config, table):
    plain = config.model_copy(update={"boxes": "none"})
    assert cache_folder(plain) == cache_folder(config)
    found = build_simulated(plain)
    assert np.isnan(found.box).all()
    assert found.media["rgb"].tolist() == table.media["rgb"].tolist()
    assert cache_folder(config.model_copy(update={"scenes": ()})) != cache_folder(config)


def test_rows_without_joints_have_no_box(table):
    hidden = table.hide("joints2d", np.arange(len(table)) == 1)
    found = with_joint_boxes(replace(hidden, box=np.full((len(table), 4), np.nan)), "joints2d")
    assert np.isnan(found.box[1]).all()
    np.testing.assert_array_equal(found.box[2:], table.box[2:])


def test_nothing_is_chosen_from_nothing():
    assert chosen([1, 2], "object", ()) is None
    assert stage_columns([1, 2], object=(), scene=("park",)).keys() == {"scene"}
    assert chosen([5], "scene", PLACES) == chosen([4, 5], "scene", PLACES)[1:]


def test_the_defaults_are_no_part_of_a_fingerprint():
    told = without_later(SimulatedConfig(), SimulatedConfig().model_dump(mode="json"))
    assert not {"fill", "place", "boxes", "objects", "scenes"} & told.keys()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"objects": ["bal"]}, "Did you mean 'ball'"),
        ({"scenes": ["park", "park"]}, "each name once"),
        ({"fill": [0.5, 0.2]}, "two shares"),
        ({"modalities": ["imu"], "objects": ["ball"]}, "for pictures, found imu alone"),
    ],
)
def test_what_is_impossible_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read_config(SimulatedConfig, values, "data")
