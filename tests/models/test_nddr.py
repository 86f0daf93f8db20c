import torch
from model_helpers import by_name, make_batch, make_network, vector

from onebody.models.nddr import ChannelFusion

TASKS = by_name(vector("a"), vector("b"))


def test_a_fusion_is_a_linear_map_of_all_channels() -> None:
    fusion = ChannelFusion(3, (0.9, 0.1), norm=False)
    x = [torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)]
    torch.testing.assert_close(fusion(x), 0.9 * x[0] + 0.1 * x[1])
    weight = torch.randn(3, 6)
    with torch.no_grad():
        fusion.map.linear.weight.copy_(weight)
    expected = torch.einsum("oc,bctj->botj", weight, torch.cat(x, 1))
    torch.testing.assert_close(fusion(x), expected)


def test_a_fusion_is_normalized_per_channel_in_training() -> None:
    fusion = ChannelFusion(3, (0.9, 0.1), norm=True).train()
    found = fusion([3 + torch.randn(2, 3, 4, 5, 6), torch.randn(2, 3, 4, 5, 6)])
    torch.testing.assert_close(found.mean((0, 2, 3, 4)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        found.var((0, 2, 3, 4), unbiased=False), torch.ones(3), atol=1e-3, rtol=0
    )


def test_places_of_points_stay_places() -> None:
    network = make_network("points", TASKS, sharing="nddr", fresh=True).train()
    normalized = [bool(list(m["a"].map.norm.parameters())) for m in network.sharing.mixers]
    assert normalized == [True, True, False, True]  # stage 2 gives points
    seen = {}
    network.sharing.mixers[2]["a"].register_forward_hook(
        lambda _, given, found: seen.update(given=given[0], found=found)
    )
    network([make_batch(2, 2)])
    mean = 0.9 * seen["given"][0] + 0.1 * seen["given"][1]
    torch.testing.assert_close(seen["found"], mean, atol=1e-5, rtol=1e-4)


def test_maps_keep_their_layout() -> None:
    fusion = ChannelFusion(4, (0.9, 0.1), norm=True)
    x = torch.randn(2, 4, 3, 5, 6).contiguous(memory_format=torch.channels_last_3d)
    assert fusion([x, x]).is_contiguous(memory_format=torch.channels_last_3d)
