import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from onebody.inference.choose_runner import choose_runner
from onebody.inference.export_check import export_checked
from onebody.inference.export_step import describe, fused_step, read_step
from onebody.inference.runtimes import eager
from onebody.inference.step import RuntimeStep, eager_step, traced
from onebody.inference.step_check import check_step
from step_networks import noise, step_network

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def saved():
    return step_network()


@pytest.fixture(scope="module")
def report(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    return export_checked(
        saved, noise(40), folder, kind="noise", bound=1e-4, error=1.0, say=lambda line: None
    )


@pytest.fixture(scope="module")
def exported(report):
    return read_step(report.folder)


def test_optical_flow_is_described(saved):
    flow = replace(saved, input=saved.input.model_copy(update={"modality": "flow/rgb"}))
    shape = (1, 2, 32, 32)
    told = describe(flow, SimpleNamespace(frame_shape=shape, states=(), begin=(), tasks=()))
    assert told["input"]["range"] == [-1.0, 1.0]
    assert told["input"]["channels"].startswith("optical flow of rgb")
    plain = describe(saved, SimpleNamespace(frame_shape=shape, states=(), begin=(), tasks=()))
    assert plain["input"]["range"] == [0.0, 1.0]


def test_every_runtime_answers_as_torch_does_over_many_steps(report):
    assert [(t.runner.name, t.runner.precision) for t in report.trials] == [
        ("eager", "fp32"),
        ("eager", "bf16"),
        ("onnxruntime", "fp32"),
        ("onnxruntime", "int8"),
        ("openvino", "fp32"),
        ("openvino", "bf16"),
        ("openvino", "int8"),
    ]
    bounds = {"fp32": 2e-5, "bf16": 0.05, "int8": 0.1}
    for trial in report.trials:
        assert trial.error < bounds[trial.runner.precision], trial.runner
        assert trial.runner.precision == "fp32" or trial.error > 0
    assert report.trials[0].error == 0.0


def test_a_checked_export_notes_what_it_found(saved, report):
    noted = json.loads((report.folder / "step.json").read_text())["check"]
    assert noted["passed"]
    assert noted["tried_on"] == "noise"
    assert set(noted["differences"]) == {"action", "gesture", "pose"}
    assert report.best.frames_per_s == max(trial.frames_per_s for trial in report.trials)
    assert sum(row["fastest_within_error"] for row in report.plain()["runtimes"]) == 1
    kinds = {type(module).__name__ for module in saved.network.modules()}
    assert "BatchNorm2d" in kinds  # the network itself stays as it is


def test_the_description_says_all_one_needs(saved, exported):
    onnx = pytest.importorskip("onnx")
    content = json.loads((exported.folder / "step.json").read_text())
    graph = onnx.load(str(exported.folder / content["model"])).graph
    shapes = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*graph.input, *graph.output)
    }
    assert shapes["frame"] == content["input"]["shape"] == [1, 3, 32, 32]
    assert content["input"]["channels"] == "RGB"
    for state in content["states"]:
        assert shapes[state["input"]] == shapes[state["output"]] == state["shape"]
        assert state["begin"] == 0.0
    assert len(content["states"]) == 2
    assert content["tasks"]["action"]["classes"] == ["walk", "sit", "jump"]
    assert shapes["action"] == [1, 1, 3]
    assert content["tasks"]["pose"]["skeleton"] == "coco-17"
    assert shapes["pose"] == [1, 1, len(content["tasks"]["pose"]["joints"]), 3]
    assert list(exported.folder.glob("*.data")) == []  # weights are within
    assert [part.shape for part in exported.begin] == [tuple(s["shape"]) for s in content["states"]]


def test_damaged_descriptions_are_named(exported, tmp_path):
    with pytest.raises(ValueError, match="expected a folder of 'onebody export'"):
        read_step(tmp_path)
    path = tmp_path / "step.json"
    path.write_text("{")
    with pytest.raises(ValueError, match="damaged, not JSON"):
        read_step(tmp_path)
    path.write_text(json.dumps({**exported.description, "version": 9}))
    with pytest.raises(ValueError, match="found \\('onebody-step', 9\\)"):
        read_step(tmp_path)


def test_learned_routes_are_fixed_in_a_step():
    saved = step_network(sharing={"kind": "learned", "modules": 2})
    module = fused_step(saved)
    runtime = eager(traced(module))
    runner = RuntimeStep(runtime=runtime, tasks=module.tasks, begin=module.begin)
    check = check_step(runner, eager_step(saved), noise(5), saved.network.tasks, 1e-4)
    assert check.faults == []


def test_the_best_way_within_the_bound_is_chosen_and_named(saved, exported, monkeypatch):
    monkeypatch.setattr("onebody.inference.choose_runner.export_step", lambda *_: exported)
    frames = noise(6)
    exact = choose_runner(saved, frames, 1e-4, names=("onnxruntime",))
    assert exact.precision == "fp32"
    answers = (runner.step(frames[0], None)[0]["pose"] for runner in (exact, eager_step(saved)))
    np.testing.assert_allclose(*answers, atol=1e-5)
