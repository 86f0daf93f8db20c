import numpy as np
import pytest
import torch

from onebody.data import Batch
from onebody.inference.runtimes import eager
from onebody.inference.step import RuntimeStep, StepModule, eager_step, traced
from onebody.inference.step_check import walk
from onebody.models import blank_batch
from step_networks import noise, step_network


@pytest.fixture(scope="module")
def saved():
    return step_network()


def test_a_stream_of_steps_answers_as_the_network_on_the_clip(saved):
    frames = noise(6)
    found = walk(eager_step(saved), frames)
    spec = saved.input.model_copy(update={"frames": 6})
    clip = torch.from_numpy(np.stack(frames, 2))
    batch = Batch(inputs={"rgb": clip}, context=blank_batch(spec).context)
    with torch.inference_mode():
        expected = saved.network([batch])[0]
    assert list(found[0]) == ["action", "gesture", "pose"]
    for name, outputs in expected.items():
        ours = np.concatenate([step[name] for step in found], 1)
        np.testing.assert_allclose(ours, outputs[-1].numpy(), atol=1e-5)
    assert found[0]["action"].shape == (1, 1, 3)
    assert found[0]["pose"].shape == (1, 1, 17, 3)


def test_none_begins_anew_and_a_state_is_never_changed(saved):
    runner = eager_step(saved)
    first, second = noise(2)
    begun, state = runner.step(first, None)
    kept = [part.copy() for part in state]
    once, _ = runner.step(second, state)
    twice, _ = runner.step(second, state)
    for part, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(part, before)
    np.testing.assert_array_equal(once["action"], twice["action"])
    assert np.abs(once["action"] - runner.step(second, None)[0]["action"]).max() > 1e-4
    np.testing.assert_array_equal(runner.step(first, None)[0]["pose"], begun["pose"])


def test_bfloat16_is_near_and_another_answer(saved):
    found, expected = (walk(eager_step(saved, p), noise(4)) for p in ("bf16", "fp32"))
    gaps = [np.abs(a[n] - b[n]).max() for a, b in zip(found, expected, strict=True) for n in a]
    assert 0 < max(gaps) < 0.1
    assert eager_step(saved, "bf16").precision == "bf16"


@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-6), ("bf16", 1e-6)])
def test_the_traced_graph_answers_as_the_module(saved, precision, bound):
    module = StepModule(saved.network, saved.input).eval()
    graph = RuntimeStep(
        runtime=eager(traced(module, precision), precision), tasks=module.tasks, begin=module.begin
    )
    frames = noise(4)
    expected = walk(eager_step(saved, precision), frames)
    for ours, theirs in zip(walk(graph, frames), expected, strict=True):
        for name, value in theirs.items():
            np.testing.assert_allclose(ours[name], value, atol=bound)


def test_what_cannot_be_a_step_is_refused():
    with pytest.raises(ValueError, match="looks ahead"):
        eager_step(step_network({"kind": "light"}))
    joints = {"kind": "skeleton"}
    action = {"action": {"kind": "classification", "classes": ["a", "b"]}}
    layout = {"modality": "skeleton", "skeleton": "coco-17", "dims": 2}
    with pytest.raises(ValueError, match="A stream is of one medium of pictures"):
        eager_step(step_network(joints, action, **layout))
