import pytest
import torch
from model_helpers import TINY, all_forms, by_name, joints, make_network, vector
from torch.utils.flop_counter import FlopCounterMode

from onebody.data import InputSpec
from onebody.models import InputShape, LightConfig, blank_batch, network_cost
from onebody.models.light import build_light

SPEC = InputSpec(size=32, frames=4)


def test_a_convolution_is_counted_once_per_multiplication() -> None:
    tasks = by_name(vector("a", 5))
    encoder = {**TINY["light"], "stem": 8, "width": 1.0, "widths": [4], "blocks": [1]}
    encoder |= {"strides": [2], "keypoints": 0, "temporal_width": 6, "dilations": []}
    cost = network_cost(make_network(encoder, tasks), SPEC)
    stem = 25 * 3 * 8 * 16 * 16
    block = (9 * 8 * 4 + 9 * 4 * 4 + 8 * 4) * 8 * 8
    pool = 2 * 4 * 6
    assert cost.macs == 4 * (stem + block + pool) + 6 * 5  # the classifier runs once per clip


def test_fewer_tasks_cost_less() -> None:
    network = make_network("light", all_forms())
    whole, pose = network_cost(network, SPEC), network_cost(network, SPEC, ["pose"])
    assert whole.parameters == sum(p.numel() for p in network.parameters())
    assert pose.macs < whole.macs
    # the joints head reads stage 1: later stages and other heads do not run
    used = [
        network.sharing.encoder.stem,
        *network.sharing.encoder.stages[:2],
        network.heads["pose"],
    ]
    assert pose.parameters == sum(p.numel() for part in used for p in part.parameters())


def test_counting_leaves_no_trace() -> None:
    network = make_network("light", by_name(vector("a"), joints("pose"))).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network_cost(network, SPEC)
    assert all(module.training for module in network.modules())
    assert all(not module._forward_pre_hooks for module in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    with pytest.raises(ValueError, match="Unknown task"):
        network_cost(network, SPEC, ["nobody"])
    assert all(not module._forward_pre_hooks for module in network.modules())


def test_blank_batch_is_what_the_input_says() -> None:
    batch = blank_batch(InputSpec(modality="depth", size=24, frames=3), rows=2)
    assert batch.inputs["depth"].shape == (2, 1, 3, 24, 24)
    assert (len(batch), batch.num_frames) == (2, 3)


def test_the_light_encoder_is_light() -> None:
    encoder = build_light(LightConfig(), inputs={"rgb": InputShape(channels=3)}).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        x, _ = encoder.stem({"rgb": torch.zeros(1, 3, 1, 112, 112)}, {}, {})
        for stage in encoder.stages:
            x, _ = stage(x, {})
    assert 20e6 < counter.get_total_flops() / 2 < 45e6
