"""Every way of sharing, trained on the tiny dataset."""

import pytest
import torch
from safetensors.torch import load_file

from onebody.models import SHARINGS, learned, load_network
from onebody.training import build_run, loop, read_log, train
from onebody.training.step import train_step


class Killed(BaseException):
    """Stands for a process that ends at once."""


@pytest.mark.parametrize("kind", SHARINGS)
def test_every_kind_trains_on_one_label_per_sample(tiny, tmp_path, kind):
    recipe = tiny(
        [
            f"network.sharing.kind={kind}",
            "data.0.dataset.labels=one",
            "optimizer.lr=0.01",
            "train.validate_every=1000",
            "train.ema=0.5",
        ],
        schedule={"steps": 20},
    )
    summary = train(recipe, tmp_path / "run", progress=False)
    lines = [line for line in read_log(tmp_path / "run" / "log.jsonl") if "loss" in line]
    for task in recipe.tasks:
        found = [line["loss"][task] for line in lines if task in line["loss"]]
        assert sum(found[-4:]) < sum(found[:4]), task
    assert summary.parameters > 0 < summary.macs
    saved = load_network(tmp_path / "run" / "model")
    assert saved.config.sharing.kind == kind
    assert set(saved.network.tasks) == set(recipe.tasks)


@pytest.mark.parametrize("kind", ["learned", "cross-stitch"])
def test_a_killed_run_reaches_the_same_weights(tiny, tmp_path, monkeypatch, kind):
    changes = [f"network.sharing.kind={kind}", "train.checkpoint_every=3", "train.ema=0.8"]
    changes += ["network.sharing.rate=0.2", "network.encoder.dropout=0.2"]
    recipe = tiny(changes, schedule={"steps": 6})
    train(recipe, tmp_path / "whole", progress=False)
    real = loop.train_step

    def dying(setup, batches, number):
        if number == 4:
            raise Killed
        return real(setup, batches, number)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", dying)
        with pytest.raises(Killed):
            train(recipe, tmp_path / "killed", progress=False)
    train(recipe, tmp_path / "killed", progress=False)
    for part in ("resume", "final"):
        first, second = (
            load_file(tmp_path / run / part / "weights.safetensors") for run in ("whole", "killed")
        )
        assert first.keys() == second.keys()
        for name, value in first.items():
            assert torch.equal(value, second[name]), name
    if kind == "learned":
        table = first["sharing.table"]
        assert not bool((table == 0.25).all())
        torch.testing.assert_close(table.sum(-1), torch.ones_like(table[..., 0]))


def test_the_routing_table_is_copied_into_what_is_saved_not_averaged(tiny, tmp_path):
    changes = ["network.sharing={kind: learned, rate: 0.3}", "train.ema=0.9", "split={}"]
    train(tiny(changes, schedule={"steps": 3}), tmp_path / "run", progress=False)
    raw, kept = (
        load_file(tmp_path / "run" / name / "weights.safetensors") for name in ("resume", "final")
    )
    assert torch.equal(raw["sharing.table"], kept["sharing.table"])
    moved = "sharing.copies.0.stem.conv.0.weight"
    assert not torch.equal(raw[moved], kept[moved])


def test_a_step_of_evolution_sees_evaluation_mode_and_the_present_tasks(tiny, monkeypatch):
    setup = build_run(
        tiny(
            ["network.sharing.kind=learned", "data.0.dataset.labels=one", "data.0.batch_size=4"],
        )
    )
    setup.network.train()
    sharing, modes = setup.network.sharing, []
    forward = type(sharing).forward

    def watching(self, inputs, valid, asks, state):
        modes.append((self.training, torch.is_grad_enabled()))
        return forward(self, inputs, valid, asks, state)

    monkeypatch.setattr(type(sharing), "forward", watching)
    statistics = sharing.copies[0].stem.conv[1].running_mean
    start, tables = statistics.clone(), []
    sharing.register_forward_pre_hook(lambda *_: tables.append(bool((statistics == start).all())))
    batches = next(iter(setup.loader.epoch(0)))
    report = train_step(setup, batches, 0)
    # two routes are tried without learning, then two are learned from
    assert modes == [(False, False)] * 2 + [(True, True)] * 2
    assert tables[:3] == [True] * 3
    present = [sharing.tasks.index(task) for task in report.losses]
    absent = [number for number in range(4) if number not in present]
    assert absent
    assert bool((sharing.table[:, absent] == 0.25).all())
    assert not bool((sharing.table[:, present] == 0.25).all())
    assert report.samples == 4


def test_routes_to_learn_by_are_not_those_that_were_tried(tiny, monkeypatch):
    drawn, draw = [], learned.draw
    monkeypatch.setattr(learned, "draw", lambda table: drawn.append(draw(table)) or drawn[-1])
    setup = build_run(tiny(["network.sharing={kind: learned, routings: 4}"]))
    setup.network.train()
    train_step(setup, next(iter(setup.loader.epoch(0))), 0)
    assert len(drawn) == 8
    alike = (drawn[0] == drawn[4]).float().mean()  # a quarter by chance, of four modules
    assert float(alike) < 0.6


def test_mixing_coefficients_have_a_group_of_their_own(tiny):
    setup = build_run(tiny(["network.sharing={kind: cross-stitch, rate: 20}"]))
    names = {id(p): name for name, p in setup.network.named_parameters()}
    groups = {
        (group["rate"], group["weight_decay"]): {names[id(p)] for p in group["params"]}
        for group in setup.optimizer.param_groups
    }
    assert groups[20.0, 0.0] == {n for n in names.values() if n.startswith("sharing.mixers.")}
