import pytest
import torch
from model_helpers import by_name, joints, make_batch, make_network, mask, vector

from onebody.models import Ask


def test_rows_that_nobody_asks_for_do_not_enter_batch_statistics() -> None:
    tasks = by_name(vector("a"), vector("b"))
    one, other = make_network("light", tasks).train(), make_network("light", tasks).train()
    batch = make_batch(4, 2)
    changed = batch.inputs["rgb"].clone()
    changed[3] *= 100.0
    rows = [{"a": mask(1, 0, 1, 0), "b": mask(0, 1, 0, 0)}]
    one([batch], rows)
    other([type(batch)(inputs={"rgb": changed}, context=batch.context)], rows)
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_one_copy_serves_all_tasks() -> None:
    few = make_network("light", by_name(vector("a")))
    many = make_network("light", by_name(vector("a"), vector("b"), vector("c")))
    count = [sum(p.numel() for p in n.sharing.parameters()) for n in (few, many)]
    assert count[0] == count[1]


def test_shared_steps_up_past_frozen_stages() -> None:
    network = make_network("light", by_name(vector("a"), vector("b")))
    encoder = network.sharing.encoder
    for stage in list(encoder.stages)[2:]:
        stage.requires_grad_(False)
    last = encoder.stages[1].blocks[-1].second  # the last layer of the last stage that learns
    assert [id(p) for p in network.shared(["a", "b"])] == [id(p) for p in last.parameters()]
    last.requires_grad_(False)
    expected = [id(p) for p in encoder.stages[1].parameters() if p.requires_grad]
    assert [id(p) for p in network.shared(["a", "b"])] == expected != []
    encoder.requires_grad_(False)
    with pytest.raises(ValueError, match="a, b share no trainable parameters"):
        network.shared(["a", "b"])


def test_what_tasks_share_is_what_all_of_their_outputs_pass() -> None:
    """A task that reads two stages gets part of its output past the later one."""
    network = make_network(
        "points", by_name(vector("action"), joints("pose")), heads={"pose": "points"}
    )
    stages = network.sharing.encoder.stages
    assert network.heads["pose"].stages == (2, 4)
    assert network.representation(["action"]) is stages[4]
    assert network.representation(["action", "pose"]) is stages[2]
    points = {id(p) for p in stages[2].parameters()}
    assert {id(p) for p in network.shared(["pose", "action"])} == points


def test_a_stream_keeps_its_rows() -> None:
    network = make_network("light-causal", by_name(vector("a"))).eval()
    batch = make_batch(2, 2)
    asks = {"a": Ask(stages=(4,))}
    _, state = network.sharing(batch.inputs, {}, asks, {})
    with pytest.raises(ValueError, match="same rows"):
        network.sharing(batch.inputs, {}, {"a": Ask(stages=(4,), rows=mask(1, 0))}, state)
