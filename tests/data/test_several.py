"""Several media of one row: read over one span, in the same draws, any of them missing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from make_samples import GESTURES, blobs, gesture_spec

from onebody.data import (
    AugmentConfig,
    ClassColumn,
    InputSpec,
    SampleTable,
    Source,
    SpliceConfig,
    evaluation_batches,
    make_batch,
    make_table,
)
from onebody.data.several import draw_same_time, whole_pictures

BODY = InputSpec(modality="skeleton", skeleton="kinect-20", frames=6, center="none", scale="none")
WORN = InputSpec(modality="imu", frames=20)
DEPTH = InputSpec(modality="depth", size=16, frames=4)
ALL = DEPTH.model_copy(update={"also": (BODY, WORN)})
ROWS = 4


@pytest.fixture
def table(tmp_path) -> SampleTable:
    """Rows that last a second: 10 pictures, 30 skeletons, 50 readings, all of which tell the time.

    The first row lacks depth, the second the skeleton, the third the sensor.
    """
    rng = np.random.default_rng(0)
    x = np.linspace(8, 56, 10)
    np.save(tmp_path / "depth.npy", blobs(np.stack([x, 24 + 0 * x], 1), 48, 64))
    joints = rng.normal(size=(30, 20, 3)).astype(np.float32)
    joints[..., 0] = np.linspace(0, 1, 30)[:, None]
    np.save(tmp_path / "skeleton.npy", joints)
    readings = np.repeat(np.linspace(0, 1, 50, dtype=np.float32)[:, None, None], 6, axis=2)
    np.save(tmp_path / "imu.npy", readings)
    media = {
        name: np.array([f"{tmp_path}/{name}.npy"] * ROWS, np.str_)
        for name in ("depth", "skeleton", "imu")
    }
    for row, name in enumerate(media):
        media[name][row] = ""
    return make_table(
        "made",
        media,
        columns={"gesture": ClassColumn(values=np.arange(ROWS) % 3, space=GESTURES)},
        layouts={"skeleton": "kinect-20"},
        rates={"skeleton": 30.0, "imu": 50.0},
        fps=[10.0] * ROWS,
        box=np.tile([10.0, 5.0, 50.0, 45.0], (ROWS, 1)),
    )


def test_every_medium_has_its_own_length_and_missing_ones_are_not_valid(table) -> None:
    batch = make_batch(table, range(ROWS), ALL, [gesture_spec()], augment=None)
    assert {name: tuple(x.shape) for name, x in batch.inputs.items()} == {
        "depth": (4, 1, 4, 16, 16),
        "skeleton": (4, 6, 20, 3),
        "imu": (4, 20, 1, 6),
    }
    assert list(batch.inputs) == ["depth", "skeleton", "imu"]
    there = {
        name: mask.flatten(1).any(1) if mask.ndim > 1 else mask
        for name, mask in batch.valid.items()
    }
    for row, name in enumerate(batch.inputs):
        assert there[name].tolist() == [other != row for other in range(ROWS)]
        assert not batch.inputs[name][row].any()
    assert batch.num_frames == 4
    assert torch.isnan(batch.context.times_s[0]).all()
    assert batch.context.times_s[3].tolist() == pytest.approx([0.1, 0.3, 0.6, 0.8])
    assert bool(batch.targets["gesture"].present.all())


@pytest.mark.parametrize(
    "varied", [None, AugmentConfig(duration=(0.6, 0.9), translate=0.2, noise=(0.1, 0.1))]
)
def test_the_first_medium_is_what_it_is_alone(table, varied) -> None:
    """So that a network of several media and its single twins see the same."""
    both, alone = (make_batch(table, [3], spec, [], augment=varied) for spec in (ALL, DEPTH))
    assert torch.equal(both.inputs["depth"], alone.inputs["depth"])
    assert torch.equal(both.context.crop_to_source, alone.context.crop_to_source)
    assert torch.equal(both.context.times_s, alone.context.times_s)


@pytest.mark.parametrize(
    "varied",
    [
        AugmentConfig(speed=(0.5, 0.7)),
        AugmentConfig(speed=(1.5, 2.0)),
        AugmentConfig(duration=(0.3, 0.5)),
        AugmentConfig(warp=0.9),
    ],
    ids=["slow", "fast", "part", "uneven"],
)
def test_media_show_the_same_time(table, varied) -> None:
    """Both numbers rise from 0 to 1 within the row, so that a value is a time."""
    spec = BODY.model_copy(update={"frames": 20, "also": (WORN,)})
    within = []
    for number in range(12):
        batch = make_batch(table, [3], spec, [], augment=varied, key=(0, number))
        body, worn = batch.inputs["skeleton"][0, :, 0, 0], batch.inputs["imu"][0, :, 0, 0]
        # each is sampled at its own place within a step, which is at most a twentieth long
        within.append(float((body - worn).abs().max()))
        assert float(worn.max() - worn.min()) > 0.2
    assert max(within) < 0.13


def test_slow_pictures_begin_where_numbers_do(table) -> None:
    spec = DEPTH.model_copy(update={"also": (WORN,)})
    begins = []
    for number in range(20):
        batch = make_batch(
            table, [3], spec, [], augment=AugmentConfig(speed=(0.3, 0.3)), key=(1, number)
        )
        begins.append((float(batch.context.times_s[0, 0]), float(batch.inputs["imu"][0, 0, 0, 0])))
    pictures, readings = np.array(begins).T
    assert np.corrcoef(pictures, readings)[0, 1] > 0.9


def test_draws_that_all_share_depend_on_the_row_alone() -> None:
    rows, passes = np.array([3, 8]), np.array([0, 2])
    same = draw_same_time(AugmentConfig(warp=0.5), 7, passes, rows)
    again = draw_same_time(AugmentConfig(warp=0.5), 7, passes[1:], rows[1:])
    assert np.array_equal(same.select([1]).tempo, again.tempo)
    assert same.start[1] == again.start[0] != same.start[0]
    assert float(np.abs(same.tempo - 1).max()) <= 0.5


def test_boxes_are_about_the_first_medium(table) -> None:
    assert np.isnan(whole_pictures(table).box).all()
    spec = WORN.model_copy(update={"also": (DEPTH,)})
    boxed = make_batch(table, [3], spec, [], augment=None).inputs["depth"]
    bare = make_batch(whole_pictures(table), [3], DEPTH, [], augment=None).inputs["depth"]
    assert torch.equal(boxed, bare)
    assert not torch.equal(bare, make_batch(table, [3], DEPTH, [], augment=None).inputs["depth"])


def test_flips_are_those_of_a_row_and_need_mirrors_of_all_media(table) -> None:
    flipped = AugmentConfig(flip=1.0)
    spec = DEPTH.model_copy(update={"also": (BODY,)})
    plain = make_batch(table, [0, 3], spec, [gesture_spec()], augment=None)
    made = make_batch(table, [0, 3], spec, [gesture_spec()], augment=flipped)
    assert made.targets["gesture"].value.tolist() == [1, 1]
    assert plain.targets["gesture"].value.tolist() == [0, 0]
    left, right = plain.inputs["skeleton"][..., 0], made.inputs["skeleton"][..., 0]
    assert not torch.allclose(left, right, atol=0.05)
    with pytest.raises(ValueError, match="mirrored together, but 'imu' cannot"):
        make_batch(table, [3], ALL, [gesture_spec()], augment=flipped)


def test_an_option_must_serve_one_of_the_media(table) -> None:
    mixed = AugmentConfig(turn_deg=(-20, 20), mount_deg=(0, 10), erase=0.5, depth_shift_mm=(1, 9))
    batch = make_batch(table, [3], ALL, [], augment=mixed)
    assert all(bool(x.isfinite().all()) for x in batch.inputs.values())
    spec = BODY.model_copy(update={"also": (WORN,)})
    with pytest.raises(ValueError, match=r"'skeleton' \+ 'imu' is no medium.*turn off erase"):
        make_batch(table, [3], spec, [], augment=AugmentConfig(erase=0.5, turn_deg=(-20, 20)))


def test_a_row_needs_one_medium(table) -> None:
    bare = replace(
        table,
        media={
            name: np.where(np.arange(ROWS) == 1, "", column) for name, column in table.media.items()
        },
    )
    source = Source(table=bare, spec=ALL, targets=(gesture_spec(),), batch_size=2)
    assert source.readable().tolist() == [True, False, True, True]
    rows = [batch.context.row.tolist() for batch in evaluation_batches(source)]
    assert rows == [[0, 2], [3]]


@pytest.mark.parametrize(
    ("missing", "shape"), [("skeleton", (1, 6, 20, 3)), ("imu", (1, 20, 1, 6))]
)
def test_a_batch_may_lack_a_medium_whole(table, missing, shape) -> None:
    row = list(table.media).index(missing)
    batch = make_batch(table, [row], ALL, [], augment=AugmentConfig(warp=0.2))
    assert batch.inputs[missing].shape == shape
    assert not batch.valid[missing].any()


def test_media_that_do_not_fit_together_are_refused(table) -> None:
    with pytest.raises(ValueError, match="read once, found depth, depth"):
        InputSpec(modality="depth", also=(DEPTH,))
    with pytest.raises(ValueError, match="side by side"):
        InputSpec(modality="rgb", also=(ALL,))
    with pytest.raises(ValueError, match="take 'sampling: uniform'"):
        InputSpec(modality="rgb", also=(InputSpec(modality="depth", sampling="dense"),))
    with pytest.raises(ValueError, match=r"modality of table 'made'.*'silhouette'"):
        make_batch(
            table,
            [3],
            InputSpec(modality="depth", also=(InputSpec(modality="silhouette"),)),
            [],
            augment=None,
        )


def test_spliced_clips_are_of_one_medium(table) -> None:
    with pytest.raises(ValueError, match="spliced clips are of one medium, found depth, skeleton"):
        Source(table=table, spec=ALL, targets=(gesture_spec(),), splice=SpliceConfig())
