import pytest
import torch
from model_helpers import INPUTS

from onebody.models import LightConfig
from onebody.models.copies import make_copies
from onebody.models.light import build_light


def _make():
    return build_light(LightConfig(width=0.25), inputs=INPUTS)


def _copies(count):
    torch.manual_seed(0)
    return make_copies(_make, count)


def test_the_first_copy_starts_like_a_lone_encoder_the_others_apart() -> None:
    torch.manual_seed(0)
    alone = _make().state_dict()
    first, second, third = _copies(3)
    assert all(torch.equal(value, alone[name]) for name, value in first.state_dict().items())
    weights = [c.stages[0].blocks[0].first[0].weight for c in (first, second, third)]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])


def test_a_copy_starts_the_same_whatever_their_number() -> None:
    two, four = _copies(2), _copies(4)
    for name, value in two.state_dict().items():
        assert torch.equal(value, four.state_dict()[name]), name


def test_only_the_first_copy_has_a_stem() -> None:
    _, second = _copies(2)
    assert not list(second.stem.parameters())
    with pytest.raises(NotImplementedError, match="no stem"):
        second.stem({}, {}, {})
