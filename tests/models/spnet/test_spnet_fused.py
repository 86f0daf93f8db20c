import pytest
import torch
from torch import nn

from onebody.models.spnet import SPNet, fuse
from spnet_helpers import SMALL


def trained(config):
    """Return a network whose batch norms have seen something."""
    torch.manual_seed(0)
    network = SPNet(config).eval()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.5, 2)
            nn.init.normal_(norm.weight, 1, 0.5)  # some are negative
            nn.init.normal_(norm.bias, 0, 0.2)
    return network


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"dim": 2, "pose_replica": False},
        {"stem_width": 16},  # the entry flow's first unit has a shortcut of its own
        {"downsampling_type": "conv", "image_div": 8},
        {"num_pyramids": 4, "action_pyramids": (2, 3), "sam_alpha": 2.0},
        {"truncate": 3},
        {"num_actions": (), "action_pyramids": ()},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(2, 3, 3, 32, 32), (2, 3, 32, 32)], ids=["clip", "still"])
def test_fused_networks_answer_as_before(changes, shape):
    network = trained(SMALL.model_copy(update=changes))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.rand(shape) * 2 - 1
    with torch.inference_mode():
        expected, found = network(x), fuse(network)(x)
    for ours, theirs in zip(found.poses, expected.poses, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    for block, other in zip(found.actions, expected.actions, strict=True):
        for ours, theirs in zip(block, other, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    for name, value in network.state_dict().items():  # the given network stays as it is
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)


def test_fewer_batch_norms_and_convolutions_are_left():
    network = trained(SMALL)

    def count(module, kind):
        return sum(isinstance(part, kind) for part in module.modules())

    fused = fuse(network)
    assert count(fused, nn.BatchNorm2d) < count(network, nn.BatchNorm2d)
    assert count(fused, nn.Conv2d) < count(network, nn.Conv2d)
    assert not any(parameter.requires_grad for parameter in fused.parameters())
