"""The features that answers are made from."""

from __future__ import annotations

import pytest
import torch

from onebody.models import blank_batch
from onebody.models.features import features_of
from stream_networks import tiny_stream


def test_features_are_those_that_the_heads_read_and_the_hook_goes():
    saved = tiny_stream(tasks=("action", "gesture", "pose"))
    batch = blank_batch(saved.input, rows=3)
    network = saved.network
    with torch.no_grad(), features_of(network, ["action", "gesture"]) as heard:
        outputs = network([batch])[0]
        assert heard[0].shape == (3, 16)
        head = network.heads["action"].linear
        told = head(heard[0])  # the mean of the frames' logits is the logit of their mean
        torch.testing.assert_close(told, outputs["action"][-1].mean(1), atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        network([batch])
    assert len(heard) == 1


def test_tasks_that_read_less_share_an_earlier_stage():
    saved = tiny_stream(tasks=("action", "pose"))
    batch = blank_batch(saved.input, rows=2)
    with torch.no_grad(), features_of(saved.network, ["action", "pose"]) as heard:
        saved.network([batch])
    assert heard[0].shape[0] == 2
    assert heard[0].shape[1] != 16
    with pytest.raises(ValueError, match="task"), features_of(saved.network, ["nobody"]):
        pass
