"""A stream may begin with zeros as with nothing; networks for which that is not so are refused."""

import pytest
import torch
from model_helpers import all_forms, batch_for, by_name, cut, frames, joints, make_network, vector

from onebody.models import blank_state

POINTS = {"pose": {"kind": "points"}, "body": {"kind": "points"}}


@pytest.fixture
def network():
    tasks = by_name(frames("phase"), joints("pose"), joints("body", dims=3))
    return make_network("stream", tasks, heads=POINTS).eval()


@torch.no_grad()
def test_zeros_begin_a_stream_as_nothing_does(network):
    batch = batch_for("stream", 2, 3, seed=3)
    blank = blank_state(network, cut(batch, 0, 1))
    assert blank
    assert all(not value.any() for value in blank.values())
    first, left = network.stream(batch, {})
    again, kept = network.stream(batch, blank)
    assert {name: v.shape for name, v in left.items()} == {n: v.shape for n, v in blank.items()}
    for name, value in left.items():
        torch.testing.assert_close(kept[name], value)
    for name, outputs in first.items():
        torch.testing.assert_close(again[name][-1], outputs[-1], atol=1e-6, rtol=0)


def test_a_state_has_the_rows_of_the_batch_and_one_shape_for_all_lengths(network):
    one = blank_state(network, batch_for("stream", 1, 1))
    five = blank_state(network, batch_for("stream", 3, 5))
    assert one.keys() == five.keys()
    assert all(len(five[n]) == 3 and one[n].shape[1:] == five[n].shape[1:] for n in one)


def test_asking_leaves_the_network_as_it_was(network):
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    blank_state(network, batch_for("stream", 2, 2))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_memories_that_grow_are_refused():
    tasks = by_name(vector("action"))
    network = make_network("stream", tasks, heads={"action": {"kind": "class", "window": 4}})
    with pytest.raises(ValueError, match=r"heads\.action\.past.*per_frame"):
        blank_state(network, batch_for("stream", 1, 1))


def test_memories_that_do_not_begin_as_zeros_are_refused():
    network = make_network("light-causal", by_name(frames("phase")))
    with pytest.raises(ValueError, match="cannot begin as zeros"):
        blank_state(network, batch_for("light-causal", 1, 1))


def test_networks_that_look_ahead_are_refused():
    network = make_network("points", all_forms())
    with pytest.raises(ValueError, match="looks ahead"):
        blank_state(network, batch_for("points", 1, 1))
