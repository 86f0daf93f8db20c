"""Boxes of people: what is looked at in place of the picture, cut out before it is resampled."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from make_samples import pose_spec, sample_table

from onebody.data import InputSpec, SampleTable, make_batch
from onebody.data.augment import AugmentConfig
from onebody.data.geometry import crop_to_source, enlarged, reach, whole_window
from onebody.data.store import load_table, save_table

SPEC = InputSpec(modality="depth", size=16, frames=2)
BOX = (20.0, 12.0, 44.0, 36.0)


def boxed(folder, box=BOX, rows=3) -> SampleTable:
    table = sample_table(folder, rows)
    return replace(table, box=np.tile(np.array(box), (rows, 1)), head_px=np.full(rows, 7.0))


def test_the_window_is_the_box_or_the_picture():
    boxes = np.array([[10.0, 20, 30, 60], [np.nan] * 4])
    sizes = np.array([[100.0, 200], [100, 200]])
    side, center = whole_window(sizes, "square", boxes)
    assert side.tolist() == [40, 200]
    assert center.tolist() == [[20, 40], [100, 50]]
    assert whole_window(sizes, "center", boxes)[0].tolist() == [20, 100]
    np.testing.assert_allclose(enlarged(boxes[0], 1.25), [7.5, 15, 32.5, 65])


@given(
    st.floats(-300, 300),
    st.floats(-300, 300),
    st.floats(0.5, 400),
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 9),
)
def test_a_part_is_never_empty_and_holds_what_is_looked_at(x, y, side, height, width, factor):
    x0, y0, x1, y1 = reach(np.array([x, y]), side, height, width, factor)
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    assert x0 % factor == y0 % factor == 0
    for low, high, middle, size in ((x0, x1, x, width), (y0, y1, y, height)):
        assert low <= max(middle - side / 2, 0) or low == (size - 1) // factor * factor
        assert high >= min(middle + side / 2, size) or middle + side / 2 < low


@pytest.mark.parametrize("box", [BOX, (-9.0, 20, 12, 41), (1.5, 2.25, 60.5, 47), (50, 30, 90, 70)])
@pytest.mark.parametrize(
    "augment",
    [None, AugmentConfig(rotate_deg=(-40, 40), scale=(0.6, 1.5), translate=0.2, crop=(0.7, 1.0))],
)
def test_cutting_changes_nothing(tmp_path, monkeypatch, box, augment):
    table = boxed(tmp_path, box)
    targets = [pose_spec()]
    cut = make_batch(table, [0, 1, 2], SPEC, targets, augment=augment)
    whole = lambda center, side, height, width, factor: (0, 0, width, height)  # noqa: E731
    monkeypatch.setattr("onebody.data.reading.reach", whole)
    uncut = make_batch(table, [0, 1, 2], SPEC, targets, augment=augment)
    torch.testing.assert_close(cut.inputs["depth"], uncut.inputs["depth"], atol=1e-5, rtol=0)
    assert torch.equal(cut.context.crop_to_source, uncut.context.crop_to_source)


def test_joints_lie_where_the_disc_is(tmp_path):
    spec = InputSpec(modality="depth", size=64, frames=2, box_scale=1.0)
    batch = make_batch(boxed(tmp_path), [0, 1], spec, [pose_spec()], augment=None)
    for row in range(2):
        for t in range(2):
            y, x = torch.nonzero(batch.inputs["depth"][row, 0, t] > 0.5).float().mean(0) + 0.5
            place = batch.targets["pose"].value[row, t, 0, :2] * 64
            assert torch.dist(place, torch.stack([x, y])) < 1.5


def test_box_scale_enlarges(tmp_path):
    table = boxed(tmp_path)
    tight = make_batch(table, [0], SPEC.model_copy(update={"box_scale": 1.0}), [], augment=None)
    wide = make_batch(table, [0], SPEC, [], augment=None)
    assert tight.context.crop_to_source[0, 0, 0] == 24
    assert wide.context.crop_to_source[0, 0, 0] == 30
    with pytest.raises(ValueError, match="box_scale"):
        InputSpec(box_scale=0)


def test_joints_outside_the_crop_are_measured_but_not_taught(tmp_path):
    small = boxed(tmp_path, (20.0, 12.0, 24.0, 16.0))
    tested = make_batch(small, [0], SPEC, [pose_spec()], augment=None).targets["pose"]
    assert tested.mask.all()
    assert tested.value[..., :2].max() > 1
    taught = make_batch(small, [0], SPEC, [pose_spec()], augment=AugmentConfig()).targets["pose"]
    assert not taught.mask.any()


def test_rows_without_a_box_are_as_they_were(tmp_path):
    table = boxed(tmp_path)
    some = table.box.copy()
    some[1] = np.nan
    mixed = make_batch(replace(table, box=some), [0, 1, 2], SPEC, [pose_spec()], augment=None)
    plain = make_batch(
        replace(table, box=np.full((3, 4), np.nan)), [0, 1, 2], SPEC, [pose_spec()], augment=None
    )
    assert torch.equal(mixed.inputs["depth"][1], plain.inputs["depth"][1])
    assert torch.equal(mixed.context.crop_to_source[1], plain.context.crop_to_source[1])
    assert mixed.context.head_px.tolist() == [7.0] * 3
    np.testing.assert_array_equal(
        crop_to_source(np.array([[48.0, 64]]), "square", boxes=np.full((1, 4), np.nan)),
        crop_to_source(np.array([[48.0, 64]]), "square"),
    )


def test_boxes_are_kept_on_disk_and_older_tables_have_none(tmp_path):
    table = boxed(tmp_path)
    save_table(table, tmp_path)
    again = load_table(tmp_path)
    np.testing.assert_array_equal(again.box, table.box)
    np.testing.assert_array_equal(again.head_px, table.head_px)
    (file,) = tmp_path.glob("table-*.npz")
    with np.load(file) as found:
        arrays = {k: v for k, v in found.items() if k not in ("row/box", "row/head_px")}
    np.savez(file, **arrays)
    older = load_table(tmp_path)
    assert older.box.shape == (3, 4)
    assert np.isnan(older.box).all()
    assert np.isnan(older.head_px).all()
    assert older.select(np.array([True, False, True])).box.shape == (2, 4)
