"""What ways of sharing by one trunk per task have in common."""

import pytest
import torch
from model_helpers import by_name, joints, make_batch, make_network, mask, vector

from onebody.models import all_rows

TASKS = by_name(vector("a"), vector("b"), vector("early"))
HEADS = {"early": {"kind": "class", "stage": 1}}
each = pytest.mark.parametrize("kind", ["cross-stitch", "nddr"])


def _network(kind, **options):
    return make_network("light", TASKS, sharing={"kind": kind, **options}, heads=HEADS)


def _ran(network, asked):
    """Return which stages run, by trunk, and for how many rows."""
    found, handles = {}, []
    for task, trunk in network.sharing.trunks.items():
        for number, stage in enumerate(trunk.stages):
            key = (task, number)
            handles.append(
                stage.register_forward_hook(
                    lambda _, given, __, key=key: found.update({key: len(given[0])})
                )
            )
    network([make_batch(4, 2)], [asked])
    for handle in handles:
        handle.remove()
    return found


@each
def test_all_trunks_run_before_the_last_exchange_then_each_for_its_own_rows(kind) -> None:
    network = _network(kind).eval()
    ran = _ran(network, {"a": mask(1, 0, 0, 0), "b": mask(0, 1, 1, 0)})
    last = len(network.sharing.info) - 1
    everyone = {(task, number): 3 for task in TASKS for number in range(last)}
    assert ran == everyone | {("a", last): 1, ("b", last): 2}
    # A head that reads an early stage stops all trunks there.
    ran = _ran(network, {"early": mask(1, 1, 0, 0)})
    assert ran == {(task, number): 2 for task in TASKS for number in (0, 1)}


@each
def test_layers_that_reach_no_head_are_dropped(kind) -> None:
    network = _network(kind)
    depths = {task: len(trunk.stages) for task, trunk in network.sharing.trunks.items()}
    assert depths == {"a": 5, "b": 5, "early": 4}
    assert [list(mixers) for mixers in network.sharing.mixers] == [[*TASKS]] * 3 + [["a", "b"]]
    shallow = make_network("light", by_name(joints("p"), joints("q")), sharing=kind)  # stage 1
    assert {len(trunk.stages) for trunk in shallow.sharing.trunks.values()} == {2}
    assert len(shallow.sharing.mixers) == 2


@each
def test_what_serves_an_absent_task_only_gets_no_gradient(kind) -> None:
    network = _network(kind).train()
    network([make_batch(3, 2)], [{"a": mask(1, 1, 0)}])[0]["a"][-1].square().sum().backward()
    none = {name for name, p in network.named_parameters() if p.grad is None}
    expected = ("heads.b", "heads.early", "sharing.trunks.b.stages.4", "sharing.mixers.3.b")
    assert none == {n for n, _ in network.named_parameters() if n.startswith(expected)}


@each
def test_shared_are_the_trunks_last_common_layers_not_the_mixers(kind) -> None:
    network = _network(kind).train()
    trunks = network.sharing.trunks
    both = {id(p) for p in network.shared(["a", "b"])}
    assert both == {id(p) for t in trunks.values() for p in t.stages[3].last.parameters()}
    own = {id(p) for p in network.shared(["a"])}
    assert own == {id(p) for p in trunks["a"].stages[4].last.parameters()}
    rows = all_rows(make_batch(2, 2), ["a", "b"])
    outputs = network([make_batch(2, 2)], [rows])[0]
    shared = network.shared(["a", "b"])
    gradients = [
        torch.cat(
            [g.flatten() for g in torch.autograd.grad(o[-1].sum(), shared, retain_graph=True)]
        )
        for o in outputs.values()
    ]
    assert float(torch.cosine_similarity(*gradients, dim=0).abs()) > 1e-4


@each
def test_frozen_trunks_share_nothing(kind) -> None:
    network = _network(kind)
    network.sharing.trunks.requires_grad_(False)
    with pytest.raises(ValueError, match="Tasks a, b share no trainable parameters"):
        network.shared(["a", "b"])


@each
def test_one_task_alone_is_a_plain_encoder(kind) -> None:
    one = by_name(vector("a"))
    network = make_network("light", one, sharing=kind, fresh=True).eval()
    hard = make_network("light", one, fresh=True).eval()
    assert len(network.sharing.mixers) == 0
    assert network.rates() == {}
    batch = make_batch(2, 3)
    assert torch.equal(network([batch])[0]["a"][-1], hard([batch])[0]["a"][-1])
    assert torch.equal(network.shared(["a"])[0], hard.shared(["a"])[0])


@each
def test_trunks_start_equal_or_apart(kind) -> None:
    def first(trunks, task):
        network = make_network(
            "light", TASKS, sharing={"kind": kind, "trunks": trunks}, heads=HEADS, fresh=True
        )
        return network.sharing.trunks[task].stages[0].blocks[0].first[0].weight

    hard = make_network("light", TASKS, heads=HEADS, fresh=True)
    start = hard.sharing.encoder.stages[0].blocks[0].first[0].weight
    assert torch.equal(first("same", "a"), start)
    assert torch.equal(first("same", "b"), start)
    assert not torch.equal(first("different", "a"), first("different", "b"))


@each
def test_mixers_have_a_rate_of_their_own(kind) -> None:
    network = _network(kind, rate=7.0)
    assert network.rates() == {"sharing.mixers": 7.0}
    assert any(name.startswith("sharing.mixers.") for name, _ in network.named_parameters())


@each
def test_streams_are_kept_apart_by_trunk(kind) -> None:
    network = make_network("light-causal", by_name(vector("a"), vector("b")), sharing=kind).eval()
    _, state = network.stream(make_batch(1, 1), {})
    for task in ("a", "b"):
        assert any(name.startswith(f"sharing.trunks.{task}.stages.4.") for name in state)
        assert f"sharing.trunks.{task}.stem.last" in state
