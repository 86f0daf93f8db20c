import numpy as np
import pytest
import torch
from torch import nn

from onebody.inference import throughput
from onebody.inference.onnx_runtimes import onnx_runtime, openvino, to_int8, to_onnx
from onebody.inference.runtimes import compiled, eager, lay_channels_last
from onebody.inference.throughput import count_flops, measure_throughput, take_turns

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)

    class Two(nn.Sequential):
        def forward(self, x):
            return super().forward(x), x.mean((2, 3))

    return Two(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1)).eval()


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((2, 3, 8, 8), np.float32)


def test_exported_networks_answer_as_the_module(module, x, tmp_path):
    expected = eager(module).run(x)
    assert [part.shape for part in expected] == [(2, 2, 6, 6), (2, 3)]
    to_onnx(module, [x], tmp_path / "m.onnx")
    to_int8(tmp_path / "m.onnx", [[x]], tmp_path / "q.onnx")
    for runtime, bound in (
        (onnx_runtime(tmp_path / "m.onnx"), 1e-5),
        (openvino(tmp_path / "m.onnx"), 1e-5),
        (openvino(tmp_path / "m.onnx", "bf16"), 0.02),
        (onnx_runtime(tmp_path / "q.onnx", "int8"), 0.02),
        (openvino(tmp_path / "q.onnx", "int8"), 0.02),
    ):
        found = runtime.run(x)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_allclose(ours, theirs, atol=bound)


def test_a_compiled_module_answers_as_the_module(module, x):
    for ours, theirs in zip(compiled(module, [x]).run(x), eager(module).run(x), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_channels_last_is_a_layout_and_not_another_answer(module, x):
    laid = eager(module, channels_last=True)
    np.testing.assert_allclose(laid.run(x)[0], eager(module).run(x)[0], atol=1e-6)
    assert module[0].weight.is_contiguous()
    weight = lay_channels_last(nn.Conv2d(3, 4, 3)).weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_rows_say_what_was_done(module):
    clips = np.zeros((1, 3, 4, 8, 8), np.float32)

    class PerFrame(nn.Module):
        def forward(self, given):
            return (module(given.transpose(1, 2).flatten(0, 1))[0],)

    whole = PerFrame().eval()
    flops = count_flops(whole, clips)
    assert flops == 2 * 4 * (36 * 27 * 4 + 36 * 4 * 2)
    [row] = measure_throughput(
        "m", [eager(whole)], clips, flops=flops, rounds=3, expected=eager(whole).run(clips)
    )
    assert row.error == 0.0
    assert row.gflop_per_s == pytest.approx(row.frames_per_s / 4 * flops / 1e9)
    assert 0 < row.of_peak < 2


def test_everything_rests_and_takes_a_step_before_its_turn(monkeypatch):
    done = []
    monkeypatch.setattr(throughput.time, "sleep", lambda seconds: done.append(f"rest {seconds}"))
    monkeypatch.setattr(throughput, "_LEAST_S", 0.0)
    found = take_turns([lambda: done.append("a"), lambda: done.append("b")], rounds=2)
    rest = f"rest {throughput.REST_S}"
    assert done == [rest, "a", "a", rest, "b", "b"] * 2
    assert [len(taken) for taken in found] == [2, 2]
