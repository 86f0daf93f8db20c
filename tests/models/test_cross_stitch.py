import pytest
import torch
from model_helpers import by_name, make_batch, make_network, vector

from onebody.config import read_config
from onebody.models.cross_stitch import CrossStitchConfig, Stitch

TASKS = by_name(vector("a"), vector("b"), vector("c"))


def _network(**options):
    return make_network("light", TASKS, sharing={"kind": "cross-stitch", **options}, fresh=True)


def test_a_stitch_is_the_weighted_sum() -> None:
    x = [torch.randn(2, 3, 4, 5, 6), torch.randn(2, 3, 4, 5, 6)]
    weight = torch.tensor([[0.5, 1.0, 2.0], [-1.0, 0.0, 3.0]])  # [trunk, channel]
    mixed = Stitch(weight)(x)
    for channel in range(3):
        expected = weight[0, channel] * x[0][:, channel] + weight[1, channel] * x[1][:, channel]
        torch.testing.assert_close(mixed[:, channel], expected)
    whole = Stitch(torch.tensor([[0.25], [0.5]]))([v[..., 0, 0] for v in x])
    torch.testing.assert_close(whole, 0.25 * x[0][..., 0, 0] + 0.5 * x[1][..., 0, 0])


@pytest.mark.parametrize(("per", "width"), [("channel", 24), ("layer", 1)])
def test_weights_begin_with_most_of_the_own_trunk(per, width) -> None:
    network = make_network(
        {"kind": "light"}, TASKS, sharing={"kind": "cross-stitch", "per": per}, fresh=True
    )
    weight = network.sharing.mixers[0]["b"].weight
    assert weight.shape == (3, width)
    expected = torch.tensor([0.05, 0.9, 0.05]).unsqueeze(1).expand(3, width)
    torch.testing.assert_close(weight.detach(), expected)


def test_identity_matrices_are_separate_networks() -> None:
    joint = _network(same=1.0, trunks="different").eval()
    batch = make_batch(2, 3)
    outputs = joint([batch])[0]
    for task in TASKS:
        alone = make_network("light", by_name(TASKS[task]), sharing="cross-stitch").eval()
        names = alone.state_dict()
        alone.load_state_dict({name: joint.state_dict()[name] for name in names})
        torch.testing.assert_close(alone([batch])[0][task][-1], outputs[task][-1])


def test_equal_trunks_begin_as_hard_sharing() -> None:
    batch = make_batch(2, 3)
    stitched = _network().eval()([batch])[0]
    hard = make_network("light", TASKS, fresh=True).eval()([batch])[0]
    for task in TASKS:
        torch.testing.assert_close(stitched[task][-1], hard[task][-1], atol=1e-5, rtol=1e-4)


def test_shares_outside_of_0_to_1_are_refused() -> None:
    with pytest.raises(ValueError, match="'same'"):
        read_config(CrossStitchConfig, {"same": 1.2}, "test")
