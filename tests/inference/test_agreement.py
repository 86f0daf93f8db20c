"""Reduced precisions on real rows: what is calibrated on, and what the differences say."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from marker_network import Markers, marker_table
from onebody.config import read_config
from onebody.data import InputSpec, Source
from onebody.evaluation import evaluate_outputs
from onebody.inference.agreement import RealClips
from onebody.inference.bench_spnet import bench_spnet
from onebody.inference.runtimes import Outputs, eager
from onebody.models import NETWORKS, build_network, input_shapes

SPEC = InputSpec(size=16, frames=3)
SHAPE = (2, 3, 3, 16, 16)
SMALL = {"kind": "spnet", "num_levels": 3, "kernel_size": 3, "growth": 8, "image_div": 4}
NARROW = {"num_pose_features": 16, "num_visual_features": 16, "stem_width": 8}


@pytest.fixture
def source(tmp_path):
    table = marker_table(tmp_path, rows=9, boxes=True)
    targets = tuple(task.target_spec(table) for task in Markers().tasks.values())
    return Source(table=table, spec=SPEC, targets=targets, batch_size=4)


@pytest.fixture
def network():
    torch.manual_seed(0)
    config = read_config(NETWORKS["spnet"].config, {**SMALL, **NARROW}, "test")
    return build_network(config, Markers().tasks, input_shapes(SPEC)).eval()


def runner(network):
    def pick(found):
        return [*found.poses, *(scores for block in found.actions for scores in block)]

    return eager(Outputs(network.net, pick).eval()).run


def test_a_quarter_is_calibrated_on_and_the_rest_is_measured(network, source):
    clips = RealClips(network, [source], SHAPE, 64)
    assert [x.shape for x in clips.calibration] == [SHAPE] * 2  # 3 of 9 rows, the last filled up
    np.testing.assert_array_equal(clips.calibration[1][0], clips.calibration[1][1])
    assert clips.calibration[0].min() >= -1
    run = runner(network)
    same = clips.compare(run, run)
    assert same.rows == 6
    assert (same.pose_px_max, same.probability_max or 0.0) == (0.0, pytest.approx(0, nan_ok=True))
    rest = replace(source, table=source.table.select(np.arange(9) % 4 != 0))
    expected = evaluate_outputs(network, rest, tasks=["pose"])["pose"][-1]
    task = network.tasks["pose"]
    metric = task.metrics[task.primary].function(expected)
    assert same.figures["pose"] == (pytest.approx(metric), pytest.approx(metric))


def test_differences_are_in_pixels_of_the_crop(network, source):
    clips = RealClips(network, [source], SHAPE, 64)
    run = runner(network)

    def moved(x):
        found = run(x)
        for part in found:
            if part.ndim == 4:
                part[:, :, 0, 0] += 0.25  # joint 0, a quarter of the crop to the right
        return found

    shifted = clips.compare(moved, run)
    joints = network.tasks["pose"].num_outputs
    assert shifted.pose_px_max == pytest.approx(4, rel=1e-4)
    assert shifted.pose_px_mean == pytest.approx(4 / joints, rel=1e-4)


def test_other_shapes_are_not_read_and_too_few_rows_refused(network, source):
    stills = replace(source, spec=SPEC.model_copy(update={"frames": 1}))
    with pytest.raises(ValueError, match="validation rows of 3 frames of 16 pixels"):
        RealClips(network, [stills], SHAPE, 64)
    with pytest.raises(ValueError, match="found less than two"):
        RealClips(network, [source], SHAPE, 1)


def test_a_bench_holds_what_is_not_float32_against_it(network, source):
    clips = RealClips(network, [source], SHAPE, 64)
    rows = bench_spnet(
        "run", network.net, SHAPE, runtimes=["eager"], truncations=[2], rounds=1, clips=clips
    )
    assert [row.agreement is None for row in rows] == [True, False]
    bf16 = rows[1].agreement
    assert 0 < bf16.pose_px_mean <= bf16.pose_px_max < 2
    assert all(math.isfinite(value) for pair in bf16.figures.values() for value in pair)
    said = []
    bench_spnet("made", network.net, SHAPE, runtimes=["eager"], rounds=1, say=said.append)
    assert "made up" in said[0]
