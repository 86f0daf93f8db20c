import pytest
from torch import nn

from onebody.models import evaluating


def test_every_module_gets_its_mode_back() -> None:
    network = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(1)).train()
    network[1].eval()  # a frozen part of a network that trains
    with evaluating(network):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == [True, True, False]
    with pytest.raises(RuntimeError), evaluating(network):
        raise RuntimeError
    assert [module.training for module in network.modules()] == [True, True, False]
