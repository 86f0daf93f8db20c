import pytest
import torch
from torch import nn

from onebody.training.optimizer import (
    OPTIMIZERS,
    AdamWConfig,
    SGDConfig,
    build_optimizer,
    set_rate,
    training_mode,
)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.encoder2 = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.encoder2(self.encoder(x)))


CONFIGS = {"adamw": AdamWConfig, "sgd": SGDConfig}


def names_of(network, group):
    return {n for n, p in network.named_parameters() if any(p is q for q in group["params"])}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_kind_learns_and_has_its_name(kind):
    network = Net()
    config = OPTIMIZERS[kind].config()
    assert config.kind == kind
    optimizer = build_optimizer(config, network)
    before = [p.detach().clone() for p in network.parameters()]
    network(torch.randn(6, 3)).square().sum().backward()
    optimizer.step()
    assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_parameters_without_gradient_do_not_move(kind):
    network = Net()
    optimizer = build_optimizer(OPTIMIZERS[kind].config(weight_decay=0.5), network)
    before = network.head.weight.detach().clone()
    network.encoder2(network.encoder(torch.randn(6, 3))).sum().backward()
    optimizer.step()
    assert torch.equal(network.head.weight, before)


def test_norms_and_biases_do_not_decay():
    network = Net()
    optimizer = build_optimizer(AdamWConfig(weight_decay=0.3), network)
    by_decay = {g["weight_decay"]: names_of(network, g) for g in optimizer.param_groups}
    assert by_decay[0.3] == {"encoder.0.weight", "encoder2.weight", "head.weight"}
    assert by_decay[0.0] == {
        "encoder.0.bias",
        "encoder.1.weight",
        "encoder.1.bias",
        "encoder2.bias",
        "head.bias",
    }


def test_longest_part_gives_the_rate_and_names_end_at_dots():
    network = Net()
    config = AdamWConfig(lr=0.1, rates={"encoder": 0.5, "encoder.1": 0.25})
    optimizer = build_optimizer(config, network)
    rates = {
        name: group["rate"] for group in optimizer.param_groups for name in names_of(network, group)
    }
    assert rates["encoder.0.weight"] == 0.5
    assert rates["encoder.1.weight"] == 0.25
    assert rates["encoder2.weight"] == 1.0  # begins with the same letters, is another part
    set_rate(optimizer, 0.01)
    assert {(g["rate"], round(g["lr"], 6)) for g in optimizer.param_groups} == {
        (0.5, 0.005),
        (0.25, 0.0025),
        (1.0, 0.01),
    }


def test_mixing_coefficients_have_their_own_rate_and_do_not_decay():
    network = Net()
    config = AdamWConfig(lr=0.1, weight_decay=0.3, rates={"encoder": 0.5})
    optimizer = build_optimizer(config, network, {"encoder.0": 10.0, "head": 4.0})
    found = {
        name: (group["rate"], group["weight_decay"])
        for group in optimizer.param_groups
        for name in names_of(network, group)
    }
    assert found["encoder.0.weight"] == (5.0, 0.0)
    assert found["encoder.1.weight"] == (0.5, 0.0)
    assert found["encoder2.weight"] == (1.0, 0.3)
    assert found["head.weight"] == (4.0, 0.0)


def test_frozen_parts_neither_move_nor_count():
    network = Net()
    config = AdamWConfig(lr=0.1, freeze=("encoder",))
    optimizer = build_optimizer(config, network)
    training_mode(network, config.freeze)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    network(torch.randn(6, 3)).sum().backward()
    optimizer.step()
    after = network.state_dict()
    moved = {k for k in after if not torch.equal(before[k], after[k])}
    # Not the batch norm's running statistics either.
    assert moved == {"encoder2.weight", "encoder2.bias", "head.weight", "head.bias"}
    assert network.training
    assert not network.encoder[1].training


def test_a_star_stands_for_one_piece_of_a_name():
    network = Net()
    build_optimizer(AdamWConfig(freeze=("*.0", "head")), network)
    moves = {name for name, p in network.named_parameters() if p.requires_grad}
    assert moves == {"encoder.1.weight", "encoder.1.bias", "encoder2.weight", "encoder2.bias"}
    with pytest.raises(ValueError, match="no part"):
        build_optimizer(AdamWConfig(freeze=("*.*.*.*",)), Net())


def test_unknown_parts_are_refused():
    with pytest.raises(ValueError, match=r"no part 'encodr'. Did you mean 'encoder'"):
        build_optimizer(AdamWConfig(freeze=("encodr",)), Net())
    with pytest.raises(ValueError, match=r"no part 'head\.wieght'"):
        build_optimizer(AdamWConfig(rates={"head.wieght": 2.0}), Net())


def test_nothing_left_to_train_is_refused():
    with pytest.raises(ValueError, match="nothing to train"):
        build_optimizer(SGDConfig(freeze=("encoder", "encoder2", "head")), Net())
