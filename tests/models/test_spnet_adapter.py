from dataclasses import replace

import pytest
import torch
from model_helpers import INPUTS, by_name, frames, joints, union, vector
from safetensors.torch import save_file

from onebody.config import read_config
from onebody.data import InputSpec
from onebody.models import NETWORKS, blank_batch, build_network, initialize
from onebody.models.spnet.fusion import fused

SMALL = {
    "num_levels": 3,
    "kernel_size": 3,
    "growth": 8,
    "image_div": 4,
    "num_pose_features": 16,
    "num_visual_features": 16,
    "stem_width": 8,
}


def make(tasks, **values):
    torch.manual_seed(0)
    config = read_config(NETWORKS["spnet"].config, {"kind": "spnet", **SMALL, **values}, "test")
    return build_network(config, tasks, INPUTS)


def batch(rows=3, num_frames=4, size=16):
    blank = blank_batch(InputSpec(size=size, frames=num_frames), rows)
    torch.manual_seed(1)
    return replace(blank, inputs={"rgb": torch.rand(rows, 3, num_frames, size, size)})


def tasks():
    return by_name(
        joints("pose"), vector("action", 3), joints("body", dims=3), vector("gesture", 2)
    )


def test_every_prediction_is_an_output():
    network = make(tasks())
    found = network([batch()])[0]
    assert {name: len(parts) for name, parts in found.items()} == dict.fromkeys(found, 4)
    shapes = {name: tuple(parts[-1].shape) for name, parts in found.items()}
    assert shapes == {
        "pose": (3, 4, 5, 3),
        "body": (3, 4, 5, 4),
        "action": (3, 3),
        "gesture": (3, 2),
    }
    torch.testing.assert_close(found["pose"][0], found["body"][0][..., [0, 1, 3]])
    assert network.output_weights("pose", 4) == (1.0,) * 4


def test_stills_and_clips_in_one_step_and_only_what_is_asked():
    network = make(tasks()).eval()
    clips, stills = batch(2, 4), batch(3, 1)
    asked = [
        {"action": torch.tensor([True, False]), "pose": torch.tensor([True, True])},
        {"pose": torch.tensor([False, True, True])},
    ]
    clip, still = network([clips, stills], asked)
    assert set(clip) == {"action", "pose"}
    assert set(still) == {"pose"}
    assert clip["action"][-1].shape == (1, 3)
    assert still["pose"][-1].shape == (2, 1, 5, 3)
    whole = network([clips])[0]
    torch.testing.assert_close(clip["action"][-1], whole["action"][-1][:1])
    ran = []
    for block in network.net.acts.values():
        block.register_forward_hook(lambda *_: ran.append(1))
    network([stills], [asked[1]])
    assert not ran
    assert network([stills], [{"pose": torch.zeros(3, dtype=torch.bool)}]) == [{}]


def test_composite_tasks_are_made_of_the_sets():
    network = make(
        by_name(vector("action", 3), vector("gesture", 2), union("any", "action", "gesture"))
    )
    found = network([batch()], [{"any": torch.ones(3, dtype=torch.bool)}])[0]
    assert found["any"][-1].shape == (3, 5)


def test_the_chosen_output_comes_last_outside_of_training_and_is_saved():
    network = make(tasks()).eval()
    assert network.choices == dict.fromkeys(tasks(), 4)
    before = network([batch()])[0]
    network.choose("action", 1)
    after = network([batch()])[0]
    assert torch.equal(after["action"][-1], before["action"][1])
    assert len(after["action"]) == 4
    assert torch.equal(after["gesture"][-1], before["gesture"][-1])
    again = make(tasks()).eval()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again([batch()])[0]["action"][-1], before["action"][1])
    assert len(network.train()([batch()])[0]["action"]) == 4
    with pytest.raises(ValueError, match="outputs 0 to 3, found 4"):
        network.choose("action", 4)
    with pytest.raises(ValueError, match="Unknown task with outputs to choose from 'acton'"):
        network.choose("acton", 0)


@pytest.mark.parametrize("fusion", ["average", "product"])
def test_predictions_may_be_fused(fusion):
    network = make(tasks(), fusion=fusion).eval()
    assert set(network.choices) == {"pose", "body"}
    parts = network([batch()])[0]["action"]
    assert len(parts) == 5
    single = torch.stack([part.softmax(-1) for part in parts[:-1]])
    joint = single.mean(0) if fusion == "average" else single.prod(0)
    torch.testing.assert_close(parts[-1].softmax(-1), joint / joint.sum(-1, keepdim=True))
    torch.testing.assert_close(fused(parts[:1], fusion), parts[0].log_softmax(-1))


def test_the_shared_layer_is_reached_by_all_tasks_and_by_no_later_one():
    network = make(tasks(), num_pyramids=3, action_pyramids=[2])
    [both] = network.shared(["pose", "action"])
    [poses] = network.shared(["pose"])
    names = {id(p): name for name, p in network.named_parameters()}
    assert names[id(both)].startswith("net.blocks.up2_pb0.conv1")
    assert names[id(poses)].startswith("net.blocks.dp3_pb2.conv1")


def test_weights_of_other_classes_are_left_out(tmp_path):
    given, network = make(tasks()), make(by_name(joints("pose", 5, 3), vector("action", 7)))
    with torch.no_grad():
        for value in given.net.parameters():
            value.add_(1.0)
    save_file(given.net.state_dict(), tmp_path / "model.safetensors")
    [report] = initialize(network, tmp_path / "model.safetensors")
    assert report.missing == ()
    assert all(".conv2h" in line or ".conv3." in line for line in report.misshapen)
    assert len(report.misshapen) == 4 + 3
    assert torch.equal(network.net.entry.conv1.weight, given.net.entry.conv1.weight)


@pytest.mark.parametrize(
    ("wrong", "values", "message"),
    [
        (by_name(frames("phase")), {}, "found 'phase' of form 'frames'"),
        (by_name(joints("a", 5), joints("b", 6)), {}, "one set of joints"),
        ({}, {}, "found none"),
        (tasks(), {"truncate": 2, "action_pyramids": [2]}, "before its first action pyramid"),
    ],
)
def test_tasks_that_it_cannot_answer_are_refused(wrong, values, message):
    with pytest.raises(ValueError, match=message):
        make(wrong, **values)


def test_a_network_without_poses_or_without_actions():
    found = make(by_name(vector("action")), num_joints=7)([batch()])[0]
    assert found["action"][-1].shape == (3, 3)
    poses = make(by_name(joints("pose")))
    assert len(poses.net.acts) == 0
    assert poses([batch()])[0]["pose"][-1].shape == (3, 4, 5, 3)


def test_no_stream_and_no_pictures_of_odd_size():
    network = make(tasks())
    with pytest.raises(ValueError, match="cannot run on a stream"):
        network.stream(batch(), {})
    with pytest.raises(ValueError, match="multiples of 16 pixels"):
        network([batch(size=20)])
