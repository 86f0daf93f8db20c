import pytest
import torch
from model_helpers import mask
from torch import nn

from onebody.models import Ask
from onebody.models.asked import pick_rows, take_rows, trainable_or_refuse, union_rows


def ask(*rows: int) -> Ask:
    return Ask(stages=(0,), rows=mask(*rows) if rows else None)


def test_the_union_of_rows_is_run() -> None:
    assert union_rows([ask(), ask(1, 0)]) is None
    assert torch.equal(union_rows([ask(1, 0, 0), ask(0, 1, 0)]), mask(1, 1, 0))
    assert union_rows([ask(1, 0, 0), ask(0, 1, 0), ask(0, 0, 1)]) is None


def test_rows_are_taken_out_of_inputs_and_masks() -> None:
    inputs, valid = {"rgb": torch.arange(3.0)}, {"rgb": mask(1, 1, 0)}
    rows, x, ok = take_rows(inputs, valid, {"a": ask(0, 1, 1)}, {})
    assert torch.equal(rows, mask(0, 1, 1))
    assert x["rgb"].tolist() == [1.0, 2.0]
    assert ok["rgb"].tolist() == [True, False]
    rows, x, ok = take_rows(inputs, valid, {"a": ask()}, {"past": torch.zeros(1)})
    assert (rows, x, ok) == (None, inputs, valid)
    with pytest.raises(ValueError, match="same rows"):
        take_rows(inputs, valid, {"a": ask(0, 1, 1)}, {"past": torch.zeros(1)})


def test_wanted_rows_are_picked_from_those_that_are_there() -> None:
    x = torch.tensor([10.0, 30.0, 40.0])
    have = mask(1, 0, 1, 1)
    assert pick_rows(x, have, mask(0, 0, 1, 1)).tolist() == [30.0, 40.0]
    assert pick_rows(x, None, mask(0, 1, 0)).tolist() == [30.0]
    assert pick_rows(x, have, have.clone()) is x
    assert pick_rows(x, None, None) is x
    with pytest.raises(ValueError, match="not every row was run"):
        pick_rows(x, have, None)


def test_the_deepest_group_with_trainable_parameters_counts() -> None:
    frozen, free, bare = nn.Linear(1, 1).requires_grad_(False), nn.Linear(1, 1), nn.ReLU()
    found = trainable_or_refuse([[bare], [frozen], [bare, free, frozen], [nn.Linear(2, 2)]], "ab")
    assert [id(p) for p in found] == [id(p) for p in free.parameters()]
    with pytest.raises(ValueError, match="Tasks a, b share no trainable parameters"):
        trainable_or_refuse([[bare], [frozen]], "ab")
