"""Contact sheets show the pictures, labels and joints of their samples."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.data import ClassColumn, InputSpec, JointsColumn, TargetSpec, make_table
from onebody.data.assemble import make_batch
from onebody.inference.draw import SIDE_COLORS
from onebody.inference.sheet import (
    GAP_PX,
    Sample,
    batch_samples,
    draw_sheet,
    flow_colors,
    row_captions,
)
from onebody.labels import symmetric
from onebody.skeletons import get_skeleton

COCO = get_skeleton("coco-17")


@pytest.fixture
def table(tmp_path):
    """Two clips of 8 frames 32 x 32; the first has a wrist at (24.5, 8.5) and a class."""
    clip = np.full((8, 32, 32, 3), 60, np.uint8)
    np.save(tmp_path / "clips.npy", np.concatenate([clip, clip + 60]))
    joints = np.full((8, len(COCO), 3), np.nan, np.float32)
    joints[:, COCO.index("l_wrist")] = [24.5, 8.5, 1.0]
    np.save(tmp_path / "joints.npy", joints)
    clips = str(tmp_path / "clips.npy")
    return make_table(
        "toy",
        {"rgb": [f"{clips}#0:8", f"{clips}#8:16"]},
        fps=[10.0, 10.0],
        columns={
            "gesture": ClassColumn(values=np.array([1, -1]), space=symmetric("toy", ("a", "wave"))),
            "pose": JointsColumn(
                sources=np.array([f"{tmp_path / 'joints.npy'}#0:8", ""]),
                skeleton="coco-17",
                unit="px",
            ),
        },
    )


def samples_of(table):
    spec = InputSpec(size=32, frames=8)
    target = TargetSpec(task="pose", column="pose", form="joints", skeleton="coco-17", dims=2)
    batch = make_batch(table, [0, 1], spec, [target], augment=None)
    return batch_samples(table, batch, "rgb", {"pose": "coco-17"}, pictures=3)


def test_samples_are_what_the_network_gets(table):
    first, second = samples_of(table)
    assert first.frames.shape == (3, 32, 32, 3)
    assert (first.frames == 60).all()
    assert (second.frames == 120).all()
    assert first.name == "toy:0"


def test_captions_name_the_classes(table):
    assert row_captions(table, 0) == ("gesture: wave",)
    assert row_captions(table, 1) == ("no class label",)


def test_joints_are_taken_where_they_are_labeled(table):
    first, second = samples_of(table)
    assert first.joints is not None
    wrist = first.joints[0, COCO.index("l_wrist")]
    np.testing.assert_allclose(wrist, [24.5 / 32, 8.5 / 32, 1.0], rtol=1e-5)
    assert np.isnan(first.joints[0, COCO.index("nose"), 2])
    assert second.joints is None


def test_joints_are_drawn_at_their_place(table):
    sheet = draw_sheet(samples_of(table), columns=1, tile_px=160)
    x, y = GAP_PX + round(24.5 * 5), GAP_PX + round(8.5 * 5)
    spot = sheet[y - 1 : y + 1, x - 1 : x + 1].reshape(-1, 3)
    assert (np.abs(spot.astype(int) - SIDE_COLORS["left"]).max(axis=1) < 30).any()
    colored = (sheet == SIDE_COLORS["left"]).all(axis=-1)
    assert 0 < colored.sum() < 300  # the second sample has none


def test_a_sheet_grows_by_columns_and_rows():
    sample = Sample(name="a", frames=np.zeros((2, 8, 8, 3), np.uint8), captions=("x: y",))
    one = draw_sheet([sample], tile_px=40)
    two = draw_sheet([sample] * 2, tile_px=40)
    three = draw_sheet([sample] * 3, tile_px=40)
    assert two.shape[0] == one.shape[0]
    assert two.shape[1] > one.shape[1]
    assert three.shape[0] > two.shape[0]
    assert three.shape[1] == two.shape[1]


def test_grey_pictures_are_shown(tmp_path):
    np.save(tmp_path / "depth.npy", np.full((4, 16, 16), 99, np.uint8))
    table = make_table("t", {"depth": [str(tmp_path / "depth.npy")]}, fps=[5.0])
    spec = InputSpec(modality="depth", size=16, frames=4)
    batch = make_batch(table, [0], spec, (), augment=None)
    (sample,) = batch_samples(table, batch, "depth", {})
    assert (sample.frames == 99).all()
    assert sample.frames.shape == (4, 16, 16, 3)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="no sample"):
        draw_sheet([])


def test_flow_is_shown_by_hue_and_brightness():
    flow = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.25, 0.0]], np.float32)
    still, right, left, slow = flow_colors(flow).tolist()
    assert still == [0, 0, 0]
    assert right == pytest.approx([1, 0, 0])
    assert left == pytest.approx([0, 1, 1], abs=1e-6)
    assert slow == pytest.approx([0.5, 0, 0])


def test_a_sheet_shows_the_flow_that_a_network_is_given(table):
    spec = InputSpec(modality="flow/rgb", size=32, frames=4)
    batch = make_batch(table, [0], spec, (), augment=None)
    batch.inputs["flow/rgb"][:, 0, 2] = 1.0
    (sample,) = batch_samples(table, batch, "flow/rgb", {}, pictures=4)
    assert sample.frames.shape == (4, 32, 32, 3)
    assert (sample.frames[2] == [255, 0, 0]).all()
    assert not sample.frames[1].any()
