"""The graph of a body's joints, and convolutions over it."""

import pytest
import torch

from onebody.models.graph import GraphConvolution, spatial_partitions
from onebody.skeletons import SKELETONS, get_skeleton

KINECT = get_skeleton("kinect-20")


def test_joints_hear_themselves_their_parent_and_their_children():
    own, parent, children = spatial_partitions(KINECT)
    assert torch.equal(own, torch.eye(20))
    shoulder, elbow, wrist = (KINECT.index(f"l_{name}") for name in ("shoulder", "elbow", "wrist"))
    assert parent[elbow].nonzero().flatten().tolist() == [shoulder]
    assert children[elbow].nonzero().flatten().tolist() == [wrist]
    hip = KINECT.index("hip_center")
    assert parent[hip].sum() == 0
    assert children[hip].nonzero().flatten().tolist() == sorted(
        KINECT.index(name) for name in ("spine", "l_hip", "r_hip")
    )


@pytest.mark.parametrize("name", SKELETONS)
def test_every_layout_is_one_tree(name):
    skeleton = SKELETONS[name]
    own, parent, children = spatial_partitions(skeleton)
    assert int((parent > 0).sum()) == int((children > 0).sum()) == len(skeleton) - 1
    reached = torch.linalg.matrix_power(own + parent + children, len(skeleton))
    assert (reached > 0).all()
    for part in (own, parent, children):
        sums = part.sum(1)
        assert torch.allclose(sums, (sums > 0).float())


@pytest.mark.parametrize("topology", ["fixed", "learned", "refined"])
def test_a_convolution_is_the_sum_over_edges(topology):
    torch.manual_seed(0)
    graph = spatial_partitions(KINECT)
    conv = GraphConvolution(6, 4, graph, topology)
    x = torch.randn(2, 5, 20, 6)
    edges = graph.clone()
    if conv.added is not None:
        torch.nn.init.normal_(conv.added)
        edges += conv.added.detach()
    weight = conv.linear.weight.view(3, 4, 6)
    expected = torch.einsum("kij,kdc,btjc->btid", edges, weight, x)
    assert torch.allclose(conv(x), expected, atol=1e-4)
    assert (conv.added is None) == (topology == "fixed")


def test_refined_edges_depend_on_clip_and_channel():
    torch.manual_seed(0)
    graph = spatial_partitions(KINECT)
    conv = GraphConvolution(6, 4, graph, "refined")
    x = torch.randn(2, 5, 20, 6)
    torch.nn.init.constant_(conv.refine.share, 0.5)
    own = torch.stack(conv.refine(x))  # [K, B, C', J, J]
    assert own.shape == (3, 2, 4, 20, 20)
    assert not torch.allclose(own[:, 0], own[:, 1])
    assert not torch.allclose(own[:, :, 0], own[:, :, 1])
    weight = conv.linear.weight.view(3, 4, 6)
    mapped = torch.einsum("kdc,btjc->kbtjd", weight, x)
    edges = own + graph[:, None, None]
    expected = torch.einsum("kbdij,kbtjd->btid", edges, mapped)
    assert torch.allclose(conv(x), expected, atol=1e-4)
    # What stands still keeps its edges, whenever it is looked at.
    still = x[:, :1].expand(-1, 7, -1, -1)
    assert torch.allclose(conv(still), conv(x[:, :1]).expand(-1, 7, -1, -1), atol=1e-5)
