"""Optical flow: how far things moved, in the network's own window, and a medium like any other."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
import torch

from onebody.data import (
    AugmentConfig,
    InputSpec,
    SampleTable,
    Source,
    evaluation_batches,
    make_batch,
    make_table,
)
from onebody.data.flow import REACH, FlowSteps, flow_along, flow_of, is_flow, pictured, with_flow
from onebody.data.reading import channels_of, read_clip, stored_channels
from onebody.evaluation.subsets import with_media
from onebody.models import input_shapes

SIDE = 48
DEPTH = InputSpec(modality="depth", size=SIDE, frames=4)
FLOW = DEPTH.model_copy(update={"modality": "flow/depth"})
BOTH = DEPTH.model_copy(update={"also": (FLOW,)})


def texture(side=96):
    """Smooth random grey, nowhere as dark as what is empty."""
    grey = np.random.default_rng(0).normal(size=(side, side))
    grey = cv2.GaussianBlur(grey, (0, 0), 2)
    return np.uint8(30 + 200 * (grey - grey.min()) / np.ptp(grey))


def moving(dx, dy, frames=4, side=SIDE):
    """Return ``[T, S, S]`` of a texture that moves right and down by so many pixels a frame."""
    whole = texture()
    starts = [(24 - dy * t, 24 - dx * t) for t in range(frames)]
    return np.stack([whole[y : y + side, x : x + side] for y, x in starts])


def as_clip(frames, channels=1):
    return torch.from_numpy(frames).float().div(255)[None, None].repeat(1, channels, 1, 1, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("dx", "dy"), [(3, 2), (-2, 0), (0, -3)])
def test_it_is_how_far_things_moved(dx, dy, channels):
    flow = flow_of(as_clip(moving(dx, dy), channels))
    assert flow.shape == (1, 2, 4, SIDE, SIDE)
    assert flow.dtype == torch.float32
    assert not flow[:, :, 0].any()  # nothing is known of before
    inner = flow[0, :, 1:, 12:-12, 12:-12] * REACH * SIDE
    assert (inner[0] - dx).abs().max() < 0.3
    assert (inner[1] - dy).abs().max() < 0.3


def test_what_rests_has_none_and_what_is_fast_no_more_than_one():
    assert not flow_of(as_clip(moving(0, 0))).any()
    assert flow_of(as_clip(moving(7, 0)))[0, 0, 1:].max() == 1.0


def test_where_nothing_is_nothing_moves():
    frames = moving(2, 0)
    frames[:, :, :20] = 5  # of depth: traces of compression
    empty = flow_of(as_clip(frames))[..., :20]
    assert not empty.any()
    assert flow_of(as_clip(frames, 3))[..., :20].any()  # in color, dark is a color


def test_a_stream_has_the_flow_of_a_clip():
    clip = as_clip(moving(2, 1), 3)
    steps = FlowSteps()
    found = [steps.step(clip[:, :, t].numpy()) for t in range(4)]
    np.testing.assert_array_equal(np.stack(found, 2), flow_of(clip).numpy())
    assert not steps.step(clip[:, :, 0].numpy(), fresh=True).any()
    assert steps.step(clip[:, :, 1].numpy()).any()


def test_threads_are_left_as_they_were():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        flow_of(as_clip(moving(1, 1)))
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_tiny_pictures_and_a_missing_library_are_said(monkeypatch):
    with pytest.raises(ValueError, match="12 pixels or more, found 8"):
        flow_of(torch.zeros(1, 1, 2, 8, 8))
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"onebody\[flow\]"):
        flow_of(torch.zeros(1, 1, 2, 16, 16))
    with pytest.raises(ImportError, match=r"onebody\[flow\]"):
        FlowSteps()


def test_names():
    assert [is_flow(name) for name in ("flow/rgb/2", "rgb")] == [True, False]
    assert pictured("flow/rgb/2") == "rgb/2"
    assert pictured("depth") == "depth"
    assert [channels_of(name) for name in ("flow/rgb", "flow/depth/2", "flow/imu", "flow")] == [
        2,
        2,
        None,
        None,
    ]
    assert stored_channels("flow/rgb/2") == 3


@pytest.fixture
def table(tmp_path) -> SampleTable:
    """Two rows of 12 pictures 60 x 60 in which a texture goes right; the second has none."""
    np.save(tmp_path / "depth.npy", moving(2, 0, 12, 60))
    sources = [f"{tmp_path}/depth.npy", ""]
    return make_table("made", {"depth": sources}, fps=[10.0, 10.0], rates={"depth": 5.0})


def test_it_is_read_without_files_of_its_own(table):
    known = with_flow(table, BOTH)
    assert known.media["flow/depth"].tolist() == table.media["depth"].tolist()
    assert known.rates["flow/depth"] == 5.0
    assert with_flow(known, BOTH) is known
    assert with_flow(table, DEPTH) is table
    batch = make_batch(table, [0, 1], BOTH, (), augment=None)
    flow = batch.inputs["flow/depth"]
    assert flow.shape == (2, 2, 4, SIDE, SIDE)
    assert batch.valid["flow/depth"].tolist() == [True, False]
    torch.testing.assert_close(flow[:1], flow_of(batch.inputs["depth"][:1]))
    assert not flow[1].any()


def test_it_is_of_the_very_frames_that_are_shown(table):
    jumpy = AugmentConfig(speed=(0.5, 2.0), duration=(0.5, 1.0), scale=(0.8, 1.2))
    for epoch in range(3):
        batch = make_batch(table, [0], BOTH, (), augment=jumpy, key=(0, epoch))
        torch.testing.assert_close(batch.inputs["flow/depth"], flow_of(batch.inputs["depth"]))


@pytest.mark.parametrize(
    ("size", "shift", "times"),
    [(SIDE, 0.0, 1), (SIDE // 2, 0.0, 2), (SIDE, 50.0, 2)],
)
def test_pictures_that_are_shown_too_are_read_once(table, monkeypatch, size, shift, times):
    read = []

    def noted(*given):
        read.append(given[1])
        return read_clip(*given)

    monkeypatch.setattr("onebody.data.assemble_reading.read_clip", noted)
    flow = FLOW.model_copy(update={"size": size})
    both = DEPTH.model_copy(update={"also": (flow,)})
    varied = AugmentConfig(speed=(0.5, 2.0), depth_shift_mm=(shift, shift))
    make_batch(table, [0, 1], both, (), augment=varied)
    assert read == [0] * times, "the second row has neither"


def test_a_mirrored_clip_moves_the_other_way(table):
    mirrored = AugmentConfig(flip=1.0)
    plain = make_batch(table, [0], FLOW, (), augment=None).inputs["flow/depth"][0]
    other = make_batch(table, [0], FLOW, (), augment=mirrored).inputs["flow/depth"][0]
    inner = slice(12, -12)
    right, left = (x[0, 1:, inner, inner].median() for x in (plain, other))
    assert right > 0.3
    assert abs(left + right) < 0.1


def test_noise_and_color_leave_it_alone_and_erasing_does_not(table):
    plain = make_batch(table, [0], FLOW, (), augment=None, clip=0).inputs["flow/depth"]

    def varied(**options):
        config = AugmentConfig(**options)
        return make_batch(table, [0], FLOW, (), augment=config).inputs["flow/depth"]

    quiet = varied()
    assert quiet.shape == plain.shape
    assert torch.equal(varied(noise=(0.1, 0.1), brightness=(0.5, 0.5)), quiet)
    assert (varied(erase=1.0, erase_side=(0.5, 0.5)) == 0).sum() > (quiet == 0).sum()


def test_it_looks_at_the_box_of_its_pictures(table):
    boxed = make_table(
        "boxed", {"depth": table.media["depth"][:1]}, fps=[10.0], box=[[10.0, 10.0, 40.0, 40.0]]
    )
    batch = make_batch(boxed, [0], BOTH, (), augment=None)
    torch.testing.assert_close(batch.inputs["flow/depth"], flow_of(batch.inputs["depth"]))


def test_it_can_be_hidden_like_any_medium(table):
    source = Source(table=table, spec=BOTH, targets=())
    for left, other in (("depth", "flow/depth"), ("flow/depth", "depth")):
        (kept,) = with_media([source], [left])
        (batch,) = evaluation_batches(kept)
        assert batch.inputs[left][0].any()
        assert not batch.inputs[other].any()


def test_names_that_mean_nothing_are_told_what_there_is(table):
    for name in ("flow/dept", "flow/rgb"):
        spec = FLOW.model_copy(update={"modality": name})
        with pytest.raises(ValueError, match="flow/depth"):
            make_batch(table, [0], spec, (), augment=None)
    with pytest.raises(ValueError, match=r"optical flow is of pictures .* not of 'skeleton'"):
        input_shapes(FLOW.model_copy(update={"modality": "flow/skeleton"}))


def test_a_still_has_no_flow():
    with pytest.raises(ValueError, match="frames: 2 or more"):
        InputSpec(modality="flow/rgb", frames=1)


def test_pieces_of_a_stream_go_on():
    clip = as_clip(moving(2, 1))
    pieces = list(flow_along([clip[:, :, :1], clip[:, :, 1:]]))
    torch.testing.assert_close(torch.cat(pieces, 2), flow_of(clip))
