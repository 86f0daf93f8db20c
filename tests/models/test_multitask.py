import pytest
import torch
from model_helpers import all_forms, by_name, joints, make_batch, make_network, mask, union, vector

from onebody.models import all_rows

THREE = by_name(vector("action", 3), vector("gesture", 2), union("any", "action", "gesture"))


def test_composites_are_made_from_their_parts() -> None:
    network = make_network("light", THREE).eval()
    assert set(network.heads) == {"action", "gesture"}
    (outputs,) = network([make_batch(3, 2)])
    assert torch.equal(
        outputs["any"][-1], torch.cat((outputs["action"][-1], outputs["gesture"][-1]), 1)
    )


def test_parts_run_for_the_rows_of_their_readers_too() -> None:
    network = make_network("light", THREE).eval()
    batch = make_batch(4, 2)
    (whole,) = network([batch])
    rows = {"action": mask(1, 1, 0, 0), "any": mask(0, 1, 0, 1)}
    (outputs,) = network([batch], [rows])
    assert list(outputs) == ["action", "any"]  # gesture ran, but was not asked for
    for name, asked in rows.items():
        assert torch.allclose(outputs[name][-1], whole[name][-1][asked], atol=1e-5)


def test_composites_may_read_composites() -> None:
    tasks = by_name(
        union("all", "any", "who"), union("any", "action", "gesture"), *list(THREE.values())[:2],
        vector("who", 4),
    )  # fmt: skip
    network = make_network("light", tasks).eval()
    batch = make_batch(3, 2)
    (outputs,) = network([batch], [{"all": mask(1, 0, 1)}])
    assert list(outputs) == ["all"]
    assert outputs["all"][-1].shape == (2, 3 + 2 + 4)
    (whole,) = network([batch])
    assert torch.allclose(outputs["all"][-1], whole["all"][-1][mask(1, 0, 1)], atol=1e-5)
    deepest = {id(p) for p in network.shared(["action"])}
    assert {id(p) for p in network.shared(["all"])} == deepest


def test_composites_train_the_heads_they_read() -> None:
    network = make_network("light", THREE).train()
    batch = make_batch(3, 2)
    network([batch], [{"any": mask(1, 1, 0)}])[0]["any"][-1].square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_unknown_or_circular_reading_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Task 'any' reads 'actoin'\. Did you mean 'action'"):
        make_network("light", by_name(vector("action"), union("any", "actoin")))
    with pytest.raises(ValueError, match="read each other in a circle: "):
        make_network("light", by_name(vector("a"), union("b", "c"), union("c", "b")))


def test_unknown_task_is_refused() -> None:
    network = make_network("light", THREE).eval()
    batch = make_batch(2, 2)
    with pytest.raises(ValueError, match=r"Unknown task 'gestrue'\. Did you mean 'gesture'"):
        network([batch], [all_rows(batch, ["gestrue"])])
    with pytest.raises(ValueError, match="Unknown task 'x'"):
        network.shared(["x"])


def test_rows_must_be_given_for_every_batch() -> None:
    network = make_network("light", THREE).eval()
    with pytest.raises(ValueError, match="shorter"):
        network([make_batch(), make_batch()], [{}])


def test_stream_names_the_parts_that_look_ahead() -> None:
    heads = {"action": {"kind": "class"}}
    network = make_network("light-causal", all_forms(), heads=heads).eval()
    assert not network.causal
    with pytest.raises(ValueError, match="the head of 'action'") as caught:
        network.stream(make_batch(1, 1), {})
    assert "encoder" not in str(caught.value)
    with pytest.raises(ValueError, match="the encoder"):
        make_network("light", by_name(joints("pose"))).stream(make_batch(1, 1), {})


def test_the_default_heads_of_a_causal_encoder_stream() -> None:
    network = make_network("light-causal", all_forms()).eval()
    assert network.causal
    outputs, state = network.stream(make_batch(2, 1), {})
    assert set(outputs) == set(network.tasks)
    assert any(name.startswith("heads.action.") for name in state)
    assert any(name.startswith("sharing.stem.") for name in state)


def test_hooks_reach_the_sharing(monkeypatch) -> None:
    network = make_network("light", THREE)
    kind, heard = type(network.sharing), []
    monkeypatch.setattr(kind, "before_step", lambda _, score, tasks: heard.extend((score, tasks)))
    monkeypatch.setattr(kind, "after_backward", lambda _: heard.append("after"))
    monkeypatch.setattr(kind, "freeze", lambda _: heard.append("freeze"))
    monkeypatch.setattr(kind, "rates", lambda _: {"mixers": 10.0})
    network.before_step(len, ["any"])  # a composite is told as the tasks it is made from
    network.after_backward()
    network.freeze()
    assert heard == [len, ["action", "gesture"], "after", "freeze"]
    assert network.rates() == {"sharing.mixers": 10.0}
    assert network.passes == 1
    monkeypatch.setattr(network.sharing, "passes", 3)
    assert network.passes == 3
    assert network.output_weights("action", 2) == (1.0, 1.0)
