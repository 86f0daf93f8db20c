import numpy as np
import pytest

from onebody.inference import bench_live as module
from onebody.inference.bench_live import LiveRow, bench_live
from onebody.inference.bench_networks import stream_network, stream_networks
from onebody.models.spnet import PRESETS
from step_networks import step_network

SMALL = {"num_levels": 3, "kernel_size": 3, "growth": 8, "image_div": 4, "stem_width": 8}
NARROW = {"num_pose_features": 16, "num_visual_features": 16}


def silent(line):
    pass


def test_networks_and_spnet_are_measured_in_turns(monkeypatch):
    config = PRESETS["spnet-penn-2"].model_copy(update={**SMALL, **NARROW})
    monkeypatch.setitem(PRESETS, "spnet-penn-2", config)
    found = bench_live(
        {"tiny": step_network()}, runtimes=["eager"], rounds=2, memory=False, say=silent
    )
    rows = found.plain()["rows"]
    assert [(row["model"], row["precision"]) for row in rows] == [
        ("tiny", "fp32"),
        ("tiny", "bf16"),
        ("spnet-penn-2", "fp32"),
        ("spnet-penn-2", "bf16"),
    ]
    for row in rows:
        assert tuple(row["input"]) == (1, 3, 32, 32)
        assert row["batch"] == 1
        assert row["frames_per_s"] > 0
        assert (row["max_abs_error"] == 0) == (row["precision"] == "fp32")
        assert row["peak_memory_mb"] is None
    assert rows[0]["tasks"] == ("action", "gesture", "pose")
    assert "stem" in rows[0]["stages_ms"]
    assert list(rows[1]["stages_ms"]) == ["network"]
    assert [ratio.precision for ratio in found.ratios] == ["fp32", "any"]
    assert found.ratios[0].ours.precision == found.ratios[0].theirs.precision == "fp32"


def row(model, precision, speed):
    return LiveRow(
        model=model,
        runtime="r",
        precision=precision,
        input=(1, 3, 8, 8),
        batch=1,
        tasks=(),
        frames_per_s=speed,
        max_abs_error=0.0,
    )


def test_ratios_are_taken_round_by_round_of_each_ones_fastest_way():
    rows = [
        row("a", "fp32", 10),
        row("a", "fp32", 20),
        row("a", "int8", 40),
        row("spnet-penn-2", "fp32", 1),
        row("spnet-penn-2", "bf16", 2),
    ]
    seconds = [[0.1] * 3, [0.05, 0.06, 0.2], [0.025] * 3, [1.0, 1.2, 4.0], [0.5, 0.5, 0.5]]
    plain, best = module._ratios("a", rows, seconds)
    assert (plain.ratio, plain.ours.frames_per_s, plain.theirs.precision) == (20.0, 20, "fp32")
    assert (best.ratio, best.ours.precision, best.theirs.precision) == (20.0, "int8", "bf16")
    assert module._ratios("b", rows, seconds) == []


def test_what_cannot_be_compared_is_refused():
    one, other = step_network(), step_network(size=64)
    with pytest.raises(ValueError, match="rgb of 32 pixels, rgb of 64 pixels"):
        bench_live({"a": one, "b": other}, say=silent)
    with pytest.raises(ValueError, match="found none"):
        bench_live({}, say=silent)
    with pytest.raises(ValueError, match="Did you mean 'eager'"):
        bench_live({"a": one}, runtimes=["eagre"], say=silent)
    with pytest.raises(ValueError, match="SPNet reads RGB"):
        bench_live({"a": step_network(modality="depth")}, say=silent)


def test_the_networks_answer_all_four_tasks():
    saved = stream_network("s", 64)
    assert set(saved.network.tasks) == {"pose2d", "pose3d", "action", "gesture"}
    assert saved.network.causal
    sizes = stream_networks(("s", "m"), 64)
    counts = [sum(p.numel() for p in s.network.parameters()) for s in sizes.values()]
    assert list(sizes) == ["stream-s", "stream-m"]
    assert np.diff(counts) > 0
