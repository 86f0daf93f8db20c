import pytest
import torch
from torch import nn

from onebody.models.spnet import PRESETS, SPNet, SPNetConfig
from onebody.models.spnet.action_block import halve
from onebody.models.spnet.layers import max_min_pool, pad_same
from onebody.models.spnet.pose_block import read_joints
from spnet_helpers import SMALL


def random_network(config):
    """Return a network in evaluation mode whose running statistics are not those at the start."""
    torch.manual_seed(0)
    network = SPNet(config)
    network(torch.rand(4, config.in_channels, 2, config.stride, config.stride))
    return network.eval()


@pytest.mark.parametrize("frames", [1, 2, 5, 15, 16, 17, 64])
def test_any_number_of_frames_and_odd_joints(frames):
    network = random_network(SMALL)
    with torch.no_grad():
        found = network(torch.rand(2, 3, frames, 16, 32) * 2 - 1)
    assert [pose.shape for pose in found.poses] == [(2, frames, 5, 4)] * 4
    assert [[s.shape for s in block] for block in found.actions] == [[(2, 3), (2, 2)]] * 4
    for pose in found.poses:
        assert 0 <= pose.min() <= pose.max() <= 1
    for block in found.actions:
        for scores in block:
            torch.testing.assert_close(scores.sum(-1), torch.ones(2))


def test_a_still_is_a_clip_of_one_frame_and_poses_do_not_mix_frames():
    network = random_network(SMALL)
    clip = torch.rand(2, 3, 4, 16, 16)
    with torch.no_grad():
        whole, still, one = network(clip), network(clip[:, :, 2]), network(clip[:, :, 2:3])
    for ours, theirs, single in zip(still.poses, whole.poses, one.poses, strict=True):
        assert ours.shape == (2, 5, 4)
        torch.testing.assert_close(ours, theirs[:, 2])
        torch.testing.assert_close(ours, single[:, 0])
    for ours, single in zip(still.logits, one.logits, strict=True):
        torch.testing.assert_close(ours, single)


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_truncation_stops_after_a_prediction(kept):
    whole = random_network(SMALL)
    short = whole.truncated(kept)
    assert len(short.steps) == kept
    clip = torch.rand(2, 3, 4, 16, 16)
    with torch.no_grad():
        found, expected = short(clip), whole(clip)
    torch.testing.assert_close(list(found.poses), list(expected.poses[:kept]))
    torch.testing.assert_close(list(found.logits), list(expected.logits[:kept]))


@pytest.mark.parametrize("acting", [(1,), (2,), (1, 3), (3, 4), ()])
@pytest.mark.parametrize("downsampling", ["maxpooling", "conv"])
def test_every_parameter_takes_part(acting, downsampling):
    config = SMALL.model_copy(
        update={
            "num_pyramids": 4,
            "action_pyramids": acting,
            "num_actions": (3, 2) if acting else (),
            "downsampling_type": downsampling,
        }
    )
    network = SPNet(config)
    found = network(torch.rand(2, 3, 3, 16, 16))
    assert len(found.poses) == 8
    assert len(found.logits) == 2 * len(acting)
    scores = [part for block in found.logits for part in block]
    sum(part.square().sum() for part in (*found.poses, *scores)).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_decoupled_maps_get_the_action_gradient_alone():
    network = SPNet(SMALL)
    block = network.blocks["dp1_pb1"]
    assert torch.equal(block.heatmaps.conv1.weight, block.heatmaps.conv1_replica.weight)
    found = network(torch.rand(2, 3, 3, 16, 16))
    found.logits[0][0].square().sum().backward(retain_graph=True)
    assert block.heatmaps.conv1.weight.grad is None
    assert block.heatmaps.conv1_replica.weight.grad.abs().sum() > 0
    network.zero_grad()
    found.poses[0].square().sum().backward()
    assert block.heatmaps.conv1.weight.grad.abs().sum() > 0
    assert block.heatmaps.conv1_replica.weight.grad is None


@pytest.mark.parametrize(
    ("name", "millions", "unread"),
    [
        ("spnet-penn", 20.27, 9 * 160 * 15 + 288 * 16 + 288 * 32),
        ("spnet-ntu", 12.80, 9 * 192 * 60 + 288 * 17 + 288 * 34 + 288 * 17),
    ],
)
def test_published_sizes(name, millions, unread):
    """Counts of the authors' code, which counts the ways back of the last blocks as well."""
    with torch.device("meta"):
        network = SPNet(PRESETS[name])
    found = sum(p.numel() for p in network.parameters()) + unread
    assert found / 1e6 == pytest.approx(millions, abs=0.005)
    assert len(network.steps) == PRESETS[name].num_predictions


def test_a_joint_is_where_its_map_is_high():
    heat = torch.full((1, 2, 4, 8), -100.0)
    heat[0, 0, 0, 7] = heat[0, 1, 2, 0] = 100.0
    found = read_joints(heat, torch.zeros_like(heat), 1.0)
    torch.testing.assert_close(found.pose[0, 0], torch.tensor([1.0, 0.0, 0.5, 1.0]))
    torch.testing.assert_close(found.pose[0, 1], torch.tensor([0.0, 2 / 3, 0.5, 1.0]))


def test_pooling_as_keras_does_it():
    x = torch.tensor([[1.0, -5.0], [2.0, 3.0]]).view(1, 1, 2, 2)
    assert max_min_pool(x).item() == -2.0
    assert pad_same(torch.ones(1, 1, 8, 8), 7, 2).shape[-1] == 13  # two before, three after
    assert pad_same(torch.ones(1, 1, 8, 8), 7, 2)[0, 0, 2, :3].tolist() == [0, 0, 1]


def test_grids_are_padded_so_that_they_can_be_halved_twice():
    assert halve(torch.ones(1, 2, 8, 17)).shape == (1, 2, 8, 10)
    assert halve(torch.ones(1, 2, 1, 16)).shape == (1, 2, 2, 8)
    assert halve(torch.ones(1, 2, 17, 16)).shape == (1, 2, 10, 8)
    times = torch.tensor([1.0, 5.0, 2.0, 0.0]).view(1, 1, 4, 1).expand(1, 1, 4, 4)
    assert halve(times)[0, 0, :, 0].tolist() == [5, 5, 2, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kernel_size": 4}, "must be odd"),
        ({"kernel_size": [3, 5]}, "must be square"),
        ({"image_div": 12}, "power of 2"),
        ({"action_pyramids": [1, 3]}, "must name pyramids 1 to 2"),
        ({"num_actions": []}, "belong together"),
        ({"num_actions": [3, 0]}, "must be positive"),
        ({"truncate": 5}, "at most the 4 predictions"),
    ],
)
def test_impossible_configurations_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        SPNetConfig(**SMALL.model_dump() | values)


@pytest.mark.parametrize(
    "shape", [(1, 3, 2, 20, 16), (1, 1, 16, 16), (3, 16, 16), (1, 3, 0, 16, 16)]
)
def test_pictures_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match=r"Expected pictures \[B, 3, \(T,\) H, W\]"):
        SPNet(SMALL)(torch.zeros(shape))


def test_bfloat16_stays_close():
    network = random_network(SMALL)
    clip = torch.rand(1, 3, 4, 16, 16)
    with torch.no_grad():
        exact = network(clip)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(clip)
    assert rough.poses[-1].dtype == torch.float32
    assert (rough.poses[-1] - exact.poses[-1]).abs().max() < 0.1
    assert isinstance(network, nn.Module)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float64])
def test_pictures_that_are_no_such_numbers_are_refused(dtype):
    network, pictures = SPNet(SMALL).eval(), torch.zeros(1, 3, 16, 16, dtype=dtype)
    with pytest.raises(ValueError, match=rf"float32 in \[-1, 1\], found {dtype}\. Convert them"):
        network(pictures)
    with torch.inference_mode():
        network.double()(pictures.double())  # as it is asked to be
