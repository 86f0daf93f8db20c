import pytest
import torch
from plain_network import Squared
from torch import nn

from onebody.balancing import Balancer
from onebody.data import Batch, Context, Target
from onebody.models import Network
from onebody.training import build_run
from onebody.training.gradients import GradientConfig, Gradients
from onebody.training.step import _asked, sample_losses, task_losses, train_step


class Line(Network):
    """Two heads on one shared number; each head says it twice, the first counting a quarter."""

    causal = False

    def __init__(self):
        super().__init__()
        self.tasks = {"a": Squared("a"), "b": Squared("b")}
        self.trunk = nn.Parameter(torch.tensor([2.0, -1.0]))
        self.heads = nn.ParameterDict({"a": torch.tensor(3.0), "b": torch.tensor(0.5)})

    def forward(self, batches, rows=None):
        found = []
        for batch, asked in zip(batches, rows, strict=True):
            x = batch.inputs["x"] @ self.trunk
            answers = {n: (self.heads[n] * x)[r][:, None] for n, r in asked.items() if r.any()}
            found.append({name: (answer, 2 * answer) for name, answer in answers.items()})
        return found

    def stream(self, frame, state):
        raise NotImplementedError

    def shared(self, tasks):
        return [self.trunk]

    def output_weights(self, task, count):
        return (0.25, 1.0)


def make_batch(x, weight=None, **labels):
    """Labels are numbers, or None where a row has none."""
    size = len(x)
    targets = {
        name: Target(
            value=torch.tensor([0.0 if v is None else v for v in values]),
            present=torch.tensor([v is not None for v in values]),
            weight=None if weight is None else torch.tensor(weight),
        )
        for name, values in labels.items()
    }
    context = Context(
        row=torch.arange(size),
        times_s=torch.zeros(size, 1),
        crop_to_source=torch.zeros(size, 2, 3),
        camera=torch.zeros(size, 4),
        depth_ref_mm=torch.zeros(size),
    )
    return Batch(inputs={"x": torch.tensor(x)}, targets=targets, context=context)


BATCHES = [
    make_batch([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], a=[1.0, None, 2.0], b=[None, None, 0.5]),
    make_batch([[2.0, 1.0]], a=[3.0], weight=[0.5]),
]
COUNTS = {"a": 3, "b": 1}


def by_hand(task, x, label, weight=1.0):
    answer = {"a": 3.0, "b": 0.5}[task] * (2 * x[0] - x[1])
    return weight * (0.25 * (answer - label) ** 2 + (2 * answer - label) ** 2)


def step_of(network):
    rows = [batch.present(["a", "b"]) for batch in BATCHES]
    return rows, network(BATCHES, rows)


class TestLosses:
    def test_mean_over_all_labeled_rows_of_all_batches(self):
        network = Line()
        rows, outputs = step_of(network)
        terms = task_losses(network, BATCHES, outputs, rows, COUNTS)
        a = [by_hand("a", (1, 0), 1), by_hand("a", (1, 1), 2), by_hand("a", (2, 1), 3, 0.5)]
        assert terms["a"].item() == pytest.approx(sum(a) / 3)
        assert terms["b"].item() == pytest.approx(by_hand("b", (1, 1), 0.5))

    def test_other_processes_labels_count_in_the_mean(self):
        network = Line()
        rows, outputs = step_of(network)
        alone = task_losses(network, BATCHES, outputs, rows, COUNTS)
        among = task_losses(network, BATCHES, outputs, rows, {"a": 6, "b": 4})
        assert among["a"].item() == pytest.approx(alone["a"].item() / 2)
        assert among["b"].item() == pytest.approx(alone["b"].item() / 4)

    def test_a_sample_is_judged_by_all_outputs(self):
        network = Line()
        rows, outputs = step_of(network)
        found = sample_losses(network, "a", BATCHES[0], outputs[0], rows[0]["a"])
        torch.testing.assert_close(
            found, torch.tensor([by_hand("a", (1, 0), 1), by_hand("a", (1, 1), 2)])
        )

    def test_a_process_without_labels_still_has_a_gradient_of_zeros(self):
        network = Line()
        rows = [dict.fromkeys(["a", "b"], torch.zeros(len(b), dtype=torch.bool)) for b in BATCHES]
        asked = _asked(rows, {"b": 5})
        assert asked[0]["b"].tolist() == [True, False, False]
        assert not asked[1]["b"].any()
        terms = task_losses(network, BATCHES, network(BATCHES, asked), rows, {"b": 5})
        assert terms["b"].item() == 0
        terms["b"].backward()
        assert network.trunk.grad.tolist() == [0.0, 0.0]

    def test_labels_are_asked_for_as_they_are(self):
        rows, _ = step_of(Line())
        asked = _asked(rows, COUNTS)
        assert all(torch.equal(asked[0][name], rows[0][name]) for name in rows[0])


class Watching(Balancer):
    """Weighs the first task double and remembers what it was given."""

    needs_gramian = True

    def __init__(self):
        self.given = []

    def weights(self, losses, gramian, names):
        self.given.append((losses, gramian, tuple(names)))
        found = torch.ones_like(losses)
        found[0] = 2.0
        return found


class TestStep:
    def make(self, tiny, **changes):
        setup = build_run(tiny(["data.0.dataset.labels=one", "data.0.batch_size=4"], **changes))
        gradients = Gradients(GradientConfig(), setup.network, setup.world)
        object.__setattr__(setup, "balancer", Watching())
        object.__setattr__(setup, "gradients", gradients)
        return setup

    def test_balancer_sees_present_tasks_only_detached(self, tiny):
        setup = self.make(tiny)
        for number, batches in enumerate(setup.loader.epoch(0)):
            report = train_step(setup, batches, number)
            losses, gramian, names = setup.balancer.given[-1]
            present = [n for n in setup.network.tasks if batches[0].targets[n].present.any()]
            assert list(names) == present == list(report.losses) == list(report.weights)
            assert not losses.requires_grad
            assert gramian.shape == (len(names), len(names))
            assert bool((gramian.diagonal() > 0).all())
            assert report.weights[names[0]] == 2.0
            assert report.samples == 4
            assert len(report.cosines) == len(names) * (len(names) - 1) / 2

    def test_absent_heads_get_no_gradient_at_all(self, tiny):
        setup = self.make(tiny)
        for number, batches in enumerate(setup.loader.epoch(0)):
            report = train_step(setup, batches, number)
            for name, head in setup.network.heads.items():
                grads = [parameter.grad for parameter in head.parameters()]
                assert all((grad is not None) == (name in report.losses) for grad in grads)

    def test_a_step_without_labels_moves_nothing(self, tiny):
        setup = self.make(tiny)
        (batch,) = next(iter(setup.loader.epoch(0)))
        nobody = torch.zeros(len(batch), dtype=torch.bool)
        targets = {
            name: Target(value=target.value, present=nobody, mask=target.mask)
            for name, target in batch.targets.items()
        }
        batch = Batch(inputs=batch.inputs, targets=targets, context=batch.context)
        before = {k: v.clone() for k, v in setup.network.state_dict().items()}
        report = train_step(setup, [batch], 0)
        assert (report.losses, report.samples) == ({}, 4)
        after = setup.network.state_dict()
        assert all(torch.equal(value, after[name]) for name, value in before.items())

    def test_dropout_is_drawn_by_the_step(self, tiny):
        def run(number):
            setup = self.make(tiny)
            setup.network.train()
            torch.manual_seed(torch.seed() % 1000)  # whatever was drawn before does not matter
            (batches, *_) = setup.loader.epoch(0)
            return train_step(setup, batches, number).losses

        network = {"network": {"kind": "multitask", "encoder": {"kind": "light", "dropout": 0.5}}}
        original = tiny
        tiny = lambda overrides: original(overrides, **network)  # noqa: E731
        assert run(3) == run(3)
        assert run(3) != run(4)

    def test_hooks_of_the_network_are_called_around_the_backward(self, tiny, monkeypatch):
        setup = self.make(tiny)
        calls = []
        first = next(iter(setup.network.parameters()))

        def before(score, tasks):
            calls.append(("before", first.grad is None, float(score()) > 0))
            assert set(tasks) == {n for n, t in batches[0].targets.items() if t.present.any()}
            assert setup.network.training

        def after():
            calls.append(("after", first.grad is not None))

        monkeypatch.setattr(setup.network, "before_step", before)
        monkeypatch.setattr(setup.network, "after_backward", after)
        batches = next(iter(setup.loader.epoch(0)))
        train_step(setup, batches, 0)
        assert calls == [("before", True, True), ("after", True)]

    def test_several_passes_are_one_backward_of_their_mean(self, tiny, monkeypatch):
        def gradients(passes):
            setup = self.make(tiny)
            setup.network.eval()  # no dropout, so that every pass is the same
            monkeypatch.setattr(type(setup.network), "passes", passes)
            batches = next(iter(setup.loader.epoch(0)))
            report = train_step(setup, batches, 0)
            assert report.samples == 4
            return report.losses, [p.grad for p in setup.network.parameters()]

        (losses, once), (same, thrice) = gradients(1), gradients(3)
        assert losses == pytest.approx(same, rel=1e-5)
        for one, three in zip(once, thrice, strict=True):
            assert (one is None) == (three is None)
            if one is not None:
                torch.testing.assert_close(one, three, atol=1e-5, rtol=1e-3)

    def test_an_infinite_gradient_stops(self, tiny, monkeypatch):
        setup = build_run(tiny(["train.clip_norm=1"]))

        def spoil():
            next(iter(setup.network.parameters())).grad[0] = torch.inf

        monkeypatch.setattr(setup.network, "after_backward", spoil)
        with pytest.raises(ValueError, match=r"Step 7: .*gradient is not .*optimizer\.lr"):
            train_step(setup, next(iter(setup.loader.epoch(0))), 7)
