import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from plain_network import Plain, make_batches, take
from tiny_training import plain, read

from onebody.balancing import BALANCERS
from onebody.training import build_run, train
from onebody.training.distributed import World
from onebody.training.gradients import GradientConfig, Gradients, build_gradients, cosines
from onebody.training.log import read_log
from onebody.training.step import task_losses, train_step

SOURCES = ("shared", "representation", "all")
each = pytest.mark.parametrize("source", SOURCES)


def naive(network, batches, source, tasks="abc"):
    """Differentiate each task's loss by itself, with a forward of its own."""
    rows = []
    for name in tasks:
        features, total, count = [], 0.0, 0
        for batch in batches:
            x = batch.inputs["x"]
            for layer in network.layers:
                x = torch.tanh(x @ layer.linear.weight.T + layer.linear.bias)
            features.append(x)
            there = batch.targets[name].present
            answer = (features[-1][there] @ network.heads[name].weight.T)[:, 0]
            answer = answer + network.heads[name].bias
            total = total + (answer - batch.targets[name].value[there]).square().sum()
            count += int(there.sum())
        inputs = {
            "shared": list(network.layers[1].parameters()),
            "representation": features,
            "all": list(network.layers.parameters()),
        }[source]
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(total / count, inputs)]))
    return torch.stack(rows) @ torch.stack(rows).T


@each
def test_is_what_naive_differentiation_gives(source):
    network, batches = Plain(), make_batches()
    names, found, whole = take(network, batches, source)
    assert names == ("a", "b", "c")
    torch.testing.assert_close(found, naive(network, batches, source))
    # The graph is left for the backward, which is as ever.
    other = Plain()
    _, _, expected = take(other, batches, "shared")
    assert torch.equal(whole, expected)


@each
def test_tasks_labeled_nowhere_are_no_part_of_it(source):
    network, batches = Plain(), make_batches(labels="ac")
    names, found, _ = take(network, batches, source)
    assert names == ("a", "c")
    torch.testing.assert_close(found, naive(network, batches, source, "ac"))


def naive_parts(setup, batches):
    """Return what `task_losses` needs of a built training; heads do not drop out."""
    network = setup.network.eval()
    names = list(network.tasks)
    rows = [batch.present(names) for batch in batches]
    counts = {name: sum(int(asked[name].sum()) for asked in rows) for name in names}
    return network, rows, counts


@pytest.mark.parametrize("source", ["shared", "all"])
def test_of_a_real_network_with_heads_on_different_stages(tiny, source):
    recipe = tiny(balancer="mgda", gradient={"source": source})
    setup = build_run(recipe)
    batches = next(iter(setup.loader.epoch(0)))
    network, rows, counts = naive_parts(setup, batches)
    assert len({head.stages for head in network.heads.values()}) == 2
    chosen = network.sharing.parameters() if source == "all" else network.shared(list(counts))
    chosen, expected = list(chosen), []
    for name in counts:
        terms = task_losses(network, batches, network(batches, rows), rows, counts)
        found = torch.autograd.grad(terms[name], chosen, allow_unused=True)
        pairs = zip(found, chosen, strict=True)
        expected.append(torch.cat([(g if g is not None else 0 * p).flatten() for g, p in pairs]))
    terms = task_losses(network, batches, network(batches, rows), rows, counts)
    losses = torch.stack([term.detach() for term in terms.values()])
    matrix, pairs = setup.gradients.gramian(terms, losses, 0)
    expected = torch.stack(expected)
    torch.testing.assert_close(matrix, expected @ expected.T, rtol=1e-4, atol=1e-7)
    assert list(pairs)[:2] == ["action-gesture", "action-pose"]
    values = torch.nn.functional.cosine_similarity(expected[0], expected[1], dim=0)
    assert pairs["action-gesture"] == pytest.approx(values.item(), abs=1e-4)


def test_representation_is_the_feature_of_the_deepest_common_stage(tiny):
    recipe = tiny(balancer="mgda", gradient={"source": "representation"})
    setup = build_run(recipe)
    batches = next(iter(setup.loader.epoch(0)))
    network, rows, counts = naive_parts(setup, batches)
    with setup.gradients.watching(tuple(counts)):
        outputs = network(batches, rows)
    terms = task_losses(network, batches, outputs, rows, counts)
    losses = torch.stack([term.detach() for term in terms.values()])
    found, _ = setup.gradients.gramian(terms, losses, 0)
    encoder, (batch,), expected = network.sharing.encoder, batches, []
    x, _ = encoder.stem(batch.inputs, batch.valid, {})
    features = {}
    for number, stage in enumerate(encoder.stages):
        x, _ = stage(x, {})
        if stage is network.representation(tuple(counts)):
            x = middle = x.detach().requires_grad_()
        features[number] = x
    for name in counts:
        outputs, _ = network.heads[name](features, batch.num_frames, {})
        term = task_losses(network, batches, [{name: outputs}], rows, {name: counts[name]})[name]
        expected.append(torch.autograd.grad(term, middle, retain_graph=True)[0].flatten())
    expected = torch.stack(expected)
    torch.testing.assert_close(found, expected @ expected.T, rtol=1e-4, atol=1e-9)


class TestPeriod:
    def make(self, every):
        network = Plain()
        return network, Gradients(GradientConfig(every=every), network, World())

    def step(self, network, gradients, number, labels="abc"):
        """Return the Gramian of a step, and whether gradients were taken in it."""
        batches = make_batches(seed=number, labels=labels, share=1.0)
        rows = [batch.present(tuple(labels)) for batch in batches]
        counts = dict.fromkeys(labels, 10)
        terms = task_losses(network, batches, network(batches, rows), rows, counts)
        losses = torch.stack([term.detach() for term in terms.values()])
        matrix, pairs = gradients.gramian(terms, losses, number)
        return matrix, bool(pairs)

    def test_gradients_are_taken_every_so_often(self):
        network, gradients = self.make(3)
        found = [self.step(network, gradients, number) for number in range(7)]
        assert [taken for _, taken in found] == [True, False, False, True, False, False, True]
        assert torch.equal(found[0][0], found[2][0])
        assert not torch.equal(found[2][0], found[3][0])
        network, gradients = self.make(1)
        assert all(self.step(network, gradients, number)[1] for number in range(3))

    def test_some_of_the_tasks_take_their_part_of_the_matrix(self):
        network, gradients = self.make(5)
        whole, _ = self.step(network, gradients, 0)
        part, taken = self.step(network, gradients, 1, "ca")
        assert not taken
        assert torch.equal(part, whole[[2, 0]][:, [2, 0]])

    def test_a_task_that_was_not_there_is_taken_anew_with_the_others(self):
        network, gradients = self.make(4)
        steps = [(0, "ab"), (1, "abc"), (2, "ab"), (3, "ac"), (4, "bc"), (5, "ab")]
        found = {number: self.step(network, gradients, number, names) for number, names in steps}
        assert [found[number][1] for number in range(6)] == [True, True, False, False, False, True]
        assert torch.equal(found[2][0], found[1][0][:2, :2])  # the newest that holds them all
        assert torch.equal(found[4][0], found[1][0][1:, 1:])

    def test_state_survives_json(self):
        network, gradients = self.make(3)
        self.step(network, gradients, 0)
        other = Gradients(GradientConfig(every=3), network, World())
        other.load_state(json.loads(json.dumps(gradients.state())))
        for number in (1, 2, 3):
            one, same = (self.step(network, each, number) for each in (gradients, other))
            assert torch.equal(one[0], same[0])
            assert one[1] == same[1] == (number == 3)
        assert gradients.state() == other.state()

    def test_a_training_logs_cosines_where_they_are_new(self, tiny, tmp_path):
        recipe = tiny(balancer="pcgrad", gradient={"every": 2}, schedule={"steps": 4})
        train(recipe, tmp_path / "run", progress=False)
        lines = [line for line in read_log(tmp_path / "run" / "log.jsonl") if "loss" in line]
        assert [("cosine" in line) for line in lines] == [True, False, True, False]
        assert len(lines[0]["cosine"]) == 6


class TestReach:
    @each
    def test_a_loss_that_does_not_reach_the_source_is_refused(self, source):
        network = Plain()
        with torch.no_grad():
            network.heads["b"].weight.zero_()
        with pytest.raises(
            ValueError, match=rf"Task 'b' has a loss of .* is 0 at .*{source!r}: .*Take"
        ):
            take(network, make_batches(), source)

    def run(self, gradients, network, batches, number):
        rows = [batch.present(("a", "b")) for batch in batches]
        counts = {name: sum(int(asked[name].sum()) for asked in rows) for name in "ab"}
        terms = task_losses(network, batches, network(batches, rows), rows, counts)
        losses = torch.stack([term.detach() for term in terms.values()])
        return gradients.gramian(terms, losses, number)

    def solve(self, network, batches):
        """Set the labels of 'b' to what the network says: its loss is 0."""
        rows = [batch.present(("a", "b")) for batch in batches]  # as asked later: equal rounding
        for batch, asked, answers in zip(batches, rows, network(batches, rows), strict=True):
            batch.targets["b"].value[asked["b"]] = answers["b"][0][:, 0].detach()

    def test_a_solved_task_is_no_fault(self):
        network, batches = Plain("ab"), make_batches(labels="ab")
        self.solve(network, batches)
        gradients = Gradients(GradientConfig(), network, World())
        matrix, pairs = self.run(gradients, network, batches, 0)
        assert matrix[1].tolist() == [0.0, 0.0]
        assert matrix[0, 0] > 0
        assert pairs == {}  # an angle with nothing is none
        balancer = BALANCERS["mgda"].build(BALANCERS["mgda"].config())
        assert balancer.weights(torch.ones(2), matrix, ("a", "b")).tolist() == [1.0, 1.0]

    def test_a_gradient_may_vanish_later(self):
        network, batches = Plain("ab"), make_batches(labels="ab")
        gradients = Gradients(GradientConfig(), network, World())
        self.run(gradients, network, batches, 0)
        with torch.no_grad():
            network.heads["b"].weight.zero_()
        assert self.run(gradients, network, batches, 1)[0][1].tolist() == [0.0, 0.0]
        fresh = Gradients(GradientConfig(), network, World())
        fresh.load_state(gradients.state())
        self.run(fresh, network, batches, 2)

    def test_nothing_in_common_is_refused(self):
        network = Plain("ab")
        network.layers.requires_grad_(False)
        with pytest.raises(ValueError, match="Tasks a, b share no trainable parameters"):
            take(network, make_batches(labels="ab"), "all")
        with pytest.raises(ValueError, match="what makes the Features is frozen"):
            take(network, make_batches(labels="ab"), "representation")


class TestRefusals:
    def build(self, tiny, overrides=(), **changes):
        return build_run(tiny(overrides, **changes))

    def test_gradients_for_a_balancer_that_takes_none(self, tiny):
        with pytest.raises(ValueError, match=r"'gradient' is given, but .* works from loss values"):
            self.build(tiny, balancer="dwa", gradient={"source": "all"})
        assert self.build(tiny, balancer="dwa").gradients is None

    def test_representation_where_tasks_never_meet(self, tiny):
        gradient = {"source": "representation"}
        with pytest.raises(ValueError, match=r"no training row is .* Take gradient\.source=shared"):
            self.build(tiny, ["data.0.dataset.labels=one"], balancer="mgda", gradient=gradient)

    def test_representation_where_there_is_none(self, tiny):
        encoder = plain(Path("x"))["network"]["encoder"]
        network = {"kind": "multitask", "encoder": encoder, "sharing": "cross-stitch"}
        gradient = {"source": "representation"}
        with pytest.raises(ValueError, match=r"no representation .* gradient\.source=shared"):
            self.build(tiny, network=network, balancer="mgda", gradient=gradient)

    @pytest.mark.parametrize(
        ("gradient", "message"),
        [
            ({"source": "last"}, r"gradient\.source.*'shared', 'representation' or 'all'"),
            ({"every": 0}, r"gradient\.every"),
            ({"period": 3}, r"unknown key 'gradient\.period'"),
        ],
    )
    def test_options_that_there_are_not(self, tmp_path, gradient, message):
        with pytest.raises(ValueError, match=message):
            read({**plain(tmp_path), "data": [], "gradient": gradient})

    def test_shared_layers_are_the_default(self):
        network = Plain()
        balancer = BALANCERS["mgda"].build(BALANCERS["mgda"].config())
        given = {"sources": [], "tasks": ["a"], "world": World()}
        built = build_gradients(None, balancer, network, **given)
        assert built.state() == {"kept": [], "reached": []}
        assert GradientConfig() == GradientConfig(source="shared", every=1)


@each
def test_every_source_trains(tiny, source):
    setup = build_run(tiny(balancer="upgrad", gradient={"source": source}))
    for number, batches in enumerate(setup.loader.epoch(0)):
        report = train_step(setup, batches, number)
        assert len(report.weights) == 4
        assert len(report.cosines) == 6


@pytest.mark.parametrize("sharing", ["nddr", "mtan", "mmoe", "learned", "cross-stitch"])
@pytest.mark.parametrize("source", ["shared", "all"])
def test_every_way_of_sharing_has_gradients_to_compare(tiny, sharing, source):
    encoder = plain(Path("x"))["network"]["encoder"]
    network = {"kind": "multitask", "encoder": encoder, "sharing": sharing}
    setup = build_run(tiny(network=network, balancer="pcgrad", gradient={"source": source}))
    report = train_step(setup, next(iter(setup.loader.epoch(0))), 0)
    assert len(report.cosines) == 6


def test_cosines_are_of_pairs_in_order():
    gramian = [[4.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    assert cosines(("x", "y", "z"), gramian) == {"x-y": 0.5}


SCRIPT = """
import json, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from plain_network import Plain, make_batches, part_of, take
from onebody.training.distributed import joined

with joined(cuda=False) as world:
    found = {{}}
    for source in {sources!r}:
        for seed, share in {steps!r}:
            batches = part_of(make_batches(seed, share=share), world.rank, world.size)
            names, matrix, whole = take(Plain(), batches, source, world)
            found[f"{{source}} {{seed}}"] = (names, matrix.tolist(), whole.tolist())
    Path(sys.argv[1], f"{{world.rank}}.json").write_text(json.dumps(found))
"""
STEPS = [(0, 0.7), (1, 0.15)]
"""Seed and share of labels; of the second, some process has no label of some task."""


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), sources=SOURCES, steps=STEPS))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    for source in SOURCES:
        for seed, share in STEPS:
            names, matrix, whole = take(Plain(), make_batches(seed, share=share), source)
            key = f"{source} {seed}"
            assert first[key][:2] == second[key][:2]
            assert tuple(first[key][0]) == names
            torch.testing.assert_close(torch.tensor(first[key][1]), matrix)
            torch.testing.assert_close(torch.tensor(first[key][2]), whole)
