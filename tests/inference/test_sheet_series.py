"""Contact sheets of skeletons and worn sensors show what the network gets."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.data import ClassColumn, InputSpec, make_table
from onebody.inference.draw import PANEL, TASK_COLORS
from onebody.inference.sheet import draw_sheet
from onebody.inference.sheet_series import PLOT_PX, series_samples
from onebody.labels import symmetric


def drawn(picture, axis):
    """Return where a curve's color is, as a mask."""
    return (picture == np.array(TASK_COLORS[axis])).all(-1)


@pytest.fixture
def worn(tmp_path):
    """Two sensors: one rests with gravity along y, turn rates missing; the other has a gap."""
    values = np.zeros((40, 2, 6), np.float32)
    values[:, 0, 1] = 9.8
    values[:, 0, 3:] = np.nan
    values[:, 1, 0] = 40.0
    values[10:30, 1] = np.nan
    np.save(tmp_path / "imu.npy", values)
    return make_table(
        "worn",
        {"imu": [str(tmp_path / "imu.npy")]},
        columns={
            "activity": ClassColumn(values=np.array([1]), space=symmetric("a", ("run", "rest")))
        },
        fps=[20.0],
    )


def test_readings_are_curves_with_gaps(worn):
    (sample,) = series_samples(worn, [0], InputSpec(modality="imu", sensors=2, frames=40))
    assert sample.captions == ("activity: rest",)
    assert sample.frames.shape == (2, PLOT_PX, PLOT_PX, 3)
    still, gap = sample.frames
    heights = np.flatnonzero(drawn(still, 1).any(1))
    assert abs(heights.mean() - (80 - 76 * 9.8 / 20)) < 2  # above the middle of the upper panel
    assert not drawn(still, 0)[160:].any()  # no turn rates
    assert np.abs(np.flatnonzero(drawn(gap, 0)[:160].any(1)).mean() - 4) < 2  # the scale follows
    across = drawn(gap, 0)[:160].any(0)
    assert not across[90:230].any()
    assert across[10:70].all()
    assert draw_sheet([sample]).std() > 3
    (first,) = series_samples(
        worn, [0], InputSpec(modality="imu", sensors=2, frames=40), pictures=1
    )
    assert len(first.frames) == 1


def test_a_whole_recording_has_no_mask(worn):
    np.save(worn.media["imu"][0], np.ones((40, 1, 6), np.float32))
    (sample,) = series_samples(worn, [0], InputSpec(modality="imu", frames=8))
    assert drawn(sample.frames[0], 2)[160:].any()


def test_skeletons_are_drawn_on_nothing(tmp_path):
    np.save(tmp_path / "s.npy", np.random.default_rng(0).normal(size=(6, 17, 2)))
    table = make_table(
        "s", {"skeleton": [str(tmp_path / "s.npy")]}, layouts={"skeleton": "coco-17"}, fps=[20.0]
    )
    spec = InputSpec(modality="skeleton", skeleton="coco-17", dims=2, frames=4)
    (sample,) = series_samples(table, [0], spec, pictures=3)
    assert sample.joints.shape == (3, 17, 3)
    assert (sample.frames == np.array(PANEL)).all()
