import pytest
import torch
from model_helpers import all_forms, by_name, joints, make_batch, make_network, mask, vector
from torch import nn

from onebody.data import InputSpec
from onebody.models import StageInfo, network_cost
from onebody.models.mtan import Attention, fit_space


def _let_all_through(network) -> None:
    """Make every mask 1."""
    for attend in network.sharing.attention.values():
        for stage in attend:
            nn.init.zeros_(stage.second.norm.weight)
            nn.init.constant_(stage.second.norm.bias, 40.0)


@pytest.mark.parametrize("encoder", ["light", "points", "resnet3d"])
def test_masks_of_one_are_hard_sharing(encoder) -> None:
    network = make_network(encoder, all_forms(), sharing="mtan").eval()
    _let_all_through(network)
    hard = make_network(encoder, all_forms()).eval()
    given = network.state_dict()
    hard.load_state_dict({name: given[name] for name in hard.state_dict()})
    batch = make_batch(2, 5)
    attended, plain = network([batch])[0], hard([batch])[0]
    for name in plain:
        torch.testing.assert_close(attended[name][-1], plain[name][-1])


def test_the_mask_is_its_formula() -> None:
    torch.manual_seed(0)
    info = StageInfo(width=8, space="vector")
    attend = Attention(info, StageInfo(width=6, space="vector"), 2).eval()
    shared, before = torch.randn(2, 8, 5), torch.randn(2, 6, 5)

    def norm(x):  # of a fresh batch norm, in evaluation mode
        return x / (1 + 1e-5) ** 0.5

    def linear(part, x):
        return torch.einsum("oc,bct->bot", part.linear.weight, x)

    carried = norm(linear(attend.carry, before)).relu()
    hidden = norm(linear(attend.first, torch.cat((shared, carried), 1))).relu()
    expected = norm(linear(attend.second, hidden)).sigmoid() * shared
    torch.testing.assert_close(attend(shared, before), expected)


def test_coordinates_are_not_scaled() -> None:
    attend = Attention(StageInfo(width=8, space="joints", points=3, coordinates=4), None, 4).train()
    x = torch.rand(2, 8, 5, 3)
    found = attend(x, None)
    assert torch.equal(found[:, :4], x[:, :4])
    assert bool((found[:, 4:] < x[:, 4:]).all())


def test_frames_are_taken_where_a_stage_looks() -> None:
    before, info = (StageInfo(width=4, space="vector", stride_t=s) for s in (1, 2))
    attend = Attention(info, before, 4).eval()
    attended = torch.randn(1, 4, 7)
    changed = attended.clone()
    changed[:, :, 1::2] += 1.0  # frames between those of the stage
    shared = torch.randn(1, 4, 4)
    assert torch.equal(attend(shared, attended), attend(shared, changed))


def test_spaces_are_averaged_into_each_other() -> None:
    x = torch.randn(2, 3, 4, 6, 8)
    small = fit_space(x, torch.empty(2, 5, 4, 3, 4))
    torch.testing.assert_close(small, x.unflatten(3, (3, 2)).unflatten(5, (4, 2)).mean((4, 6)))
    vector_ = fit_space(x, torch.empty(2, 5, 4))
    torch.testing.assert_close(vector_, x.mean((3, 4)))
    points = fit_space(x, torch.empty(2, 5, 4, 7))
    assert points.shape == (2, 3, 4, 7)
    torch.testing.assert_close(points[..., 5], x.mean((3, 4)))
    assert fit_space(x, torch.empty(1, 1, 4, 6, 8)) is x


def test_a_task_costs_its_masks_as_deep_as_its_head_reads() -> None:
    network = make_network("light", by_name(vector("a"), joints("pose")), sharing="mtan")
    assert {task: len(part) for task, part in network.sharing.attention.items()} == {
        "a": 5,
        "pose": 2,  # the joints head reads stage 1
    }
    spec = InputSpec(size=32, frames=2)
    hard = make_network("light", by_name(vector("a"), joints("pose")))
    for tasks in (["a"], ["pose"], ["a", "pose"]):
        assert network_cost(network, spec, tasks).macs > network_cost(hard, spec, tasks).macs
    alone = network_cost(network, spec, ["pose"]).macs
    assert alone < network_cost(network, spec, ["a"]).macs


def test_absent_masks_get_no_gradient_and_see_no_rows() -> None:
    network = make_network("light", by_name(vector("a"), vector("b")), sharing="mtan").train()
    rows: list[int] = []
    network.sharing.attention["a"][0].register_forward_hook(
        lambda _, given, __: rows.append(len(given[0]))
    )
    network([make_batch(4, 2)], [{"a": mask(0, 1, 0, 0)}])[0]["a"][-1].sum().backward()
    assert rows == [1]
    parts = network.sharing.attention
    assert all(p.grad is None for p in parts["b"].parameters())
    assert all(p.grad is not None for p in parts["a"].parameters())
