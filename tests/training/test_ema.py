import torch
from torch import nn

from onebody.training.ema import WeightAverage


def make_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def move(network, amount):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += amount


def test_follows_by_the_formula():
    network = make_network()
    average = WeightAverage(network, decay=0.5)
    start = network[0].weight.detach().clone()
    expected = start.clone()
    for step in range(1, 20):
        move(network, 0.1)
        average.update(network)
        keep = min(0.5, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * network[0].weight.detach()
        torch.testing.assert_close(average.values["0.weight"], expected)
    # The average lags behind.
    assert (average.values["0.weight"] < network[0].weight).all()


def test_is_lent_and_taken_back():
    network = make_network()
    average = WeightAverage(network, decay=0.9)
    move(network, 1.0)
    raw = {name: p.detach().clone() for name, p in network.named_parameters()}
    with average.applied(network):
        for name, parameter in network.named_parameters():
            assert torch.equal(parameter, average.values[name])
            assert not torch.equal(parameter, raw[name])
    assert all(torch.equal(p, raw[name]) for name, p in network.named_parameters())


def test_is_taken_back_after_an_error():
    network = make_network()
    average = WeightAverage(network, decay=0.9)
    move(network, 1.0)
    raw = network[0].weight.detach().clone()
    try:
        with average.applied(network):
            raise RuntimeError
    except RuntimeError:
        pass
    assert torch.equal(network[0].weight, raw)


def test_buffers_are_the_networks_own():
    network = make_network()
    average = WeightAverage(network, decay=0.9)
    network(torch.randn(8, 3))
    average.update(network)
    before = network[1].running_mean.clone()
    with average.applied(network):
        assert torch.equal(network[1].running_mean, before)
    assert set(average.values) == {name for name, _ in network.named_parameters()}


def test_goes_on_where_it_was_saved():
    network = make_network()
    first = WeightAverage(network, decay=0.9)
    move(network, 1.0)
    first.update(network)
    second = WeightAverage(network, decay=0.9)
    second.load({name: value.clone() for name, value in first.values.items()}, first.steps)
    move(network, 1.0)
    first.update(network)
    second.update(network)
    assert all(torch.equal(first.values[name], second.values[name]) for name in first.values)
