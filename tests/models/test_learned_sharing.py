import pytest
import torch
from model_helpers import by_name, cut, frames, make_batch, make_network, mask, union, vector
from torch import nn

from onebody.config import read_config
from onebody.models import Ask
from onebody.models.evolution import draw
from onebody.models.learned import LearnedConfig

A, B = vector("a"), vector("b")
TASKS = by_name(A, B)
DEEP = 5  # stages of the light encoder


def make(encoder="light", tasks=TASKS, *, fresh=False, **options):
    return make_network(encoder, tasks, sharing={"kind": "learned", **options}, fresh=fresh)


def route(network, **modules: int | list[int]) -> None:
    """Make the tasks' likeliest modules these: one for all stages, or one per stage."""
    sharing = network.sharing
    for number, task in enumerate(sharing.tasks):
        wish = modules[task]
        for stage, module in enumerate([wish] * DEEP if isinstance(wish, int) else wish):
            sharing.table[stage, number] = 0.0
            sharing.table[stage, number, module] = 1.0


def ran(network, asked, batch=None):
    """Return how many rows each (stage, module) runs, in order, in the network's present mode."""
    found, handles = [], []
    for module, copy in enumerate(network.sharing.copies):
        for stage, part in enumerate(copy.stages):
            handles.append(
                part.register_forward_hook(
                    lambda _, given, __, key=(stage, module): found.append((*key, len(given[0])))
                )
            )
    network([batch or make_batch(4, 2)], [asked])
    for handle in handles:
        handle.remove()
    return found


class TestRoutes:
    def test_the_likeliest_are_taken_in_evaluation(self):
        network = make(modules=3).eval()
        route(network, a=[0, 2, 1, 0, 0], b=[0, 2, 0, 2, 1])
        assert network.sharing.routes() == ((0, 0), (2, 2), (1, 0), (0, 2), (0, 1))

    def test_a_network_that_has_learned_nothing_keeps_its_tasks_apart(self):
        network = make(tasks=by_name(A, B, vector("c")), modules=2).eval()
        assert network.sharing.table.shape == (DEEP, 3, 2)
        assert network.sharing.routes() == ((0, 1, 0),) * DEEP

    def test_they_are_drawn_in_training_from_the_generator(self):
        network = make().train()
        torch.manual_seed(5)
        drawn = [network.sharing.routes() for _ in range(4)]
        assert len(set(drawn)) > 1
        torch.manual_seed(5)
        assert network.sharing.routes() == drawn[0]
        torch.manual_seed(5)
        assert tuple(map(tuple, draw(network.sharing.table).tolist())) == drawn[0]

    def test_rows_run_through_their_own_tasks_modules_only(self):
        network = make().eval()
        route(network, a=[0, 0, 0, 0, 0], b=[0, 1, 0, 1, 1])
        asked = {"a": mask(1, 1, 1, 0), "b": mask(0, 0, 1, 1)}
        assert ran(network, asked) == [
            (0, 0, 4),  # together while they go the same way
            (1, 0, 3),
            (1, 1, 2),
            (2, 0, 3),
            (2, 0, 2),  # the same module again, but by another way
            (3, 0, 3),
            (3, 1, 2),
            (4, 0, 3),
            (4, 1, 2),
        ]
        assert ran(network, {"b": mask(0, 0, 1, 0)}) == [
            (s, int(s in (1, 3, 4)), 1) for s in range(5)
        ]

    def test_rows_of_a_task_that_reads_early_go_no_further(self):
        heads = {"b": {"kind": "class", "stage": 1}}
        network = make_network("light", TASKS, sharing="learned", heads=heads).eval()
        route(network, a=0, b=0)
        found = ran(network, {"a": mask(1, 0, 0, 0), "b": mask(0, 1, 1, 0)})
        assert found == [(0, 0, 3), (1, 0, 3), (2, 0, 1), (3, 0, 1), (4, 0, 1)]

    def test_each_task_has_a_network_of_its_own(self):
        network = make().eval()
        route(network, a=[0, 0, 1, 1, 0], b=[0, 1, 1, 0, 0])
        batch = make_batch(3, 3)
        together = network([batch])[0]
        everyone = mask(1, 1, 1)
        for task in TASKS:
            alone = network([batch], [{task: everyone}])[0]
            torch.testing.assert_close(alone[task][-1], together[task][-1])

    def test_one_module_is_hard_sharing(self):
        network, hard = make(modules=1, fresh=True), make_network("light", TASKS, fresh=True)
        batch = make_batch(2, 3)
        found, expected = network.eval()([batch])[0], hard.eval()([batch])[0]
        assert all(torch.equal(found[task][-1], expected[task][-1]) for task in TASKS)
        assert network.passes == 1
        network.before_step(lambda: pytest.fail("there is nothing to try"), ["a", "b"])

    def test_streams_are_kept_apart_by_the_way_to_a_module(self):
        tasks = by_name(frames("a"), frames("b"))
        network = make("light-causal", tasks).eval()
        route(network, a=[0, 0, 0, 0, 1], b=[0, 1, 1, 1, 1])
        batch = make_batch(1, 6)
        whole = network([batch])[0]
        first, state = network.stream(cut(batch, 0, 2), {})
        second, _ = network.stream(cut(batch, 2, 6), state)
        for task in tasks:
            joined = torch.cat((first[task][-1], second[task][-1]), 1)
            torch.testing.assert_close(joined, whole[task][-1])
        ways = {key.split(".")[2] for key in state if key.startswith("sharing.ways.")}
        assert {"0-0-0-0-1", "0-1-1-1-1"} <= ways


class TestEvolution:
    def step(self, network, losses, tasks=("a", "b")):
        """Let the network evolve; return the routes that it tried."""
        tried, left = [], iter(losses)

        def score():
            tried.append(network.sharing.routes())
            return torch.tensor(next(left))

        network.before_step(score, tasks)
        return torch.tensor(tried)

    def test_routes_of_little_loss_become_likelier_by_the_formula(self):
        network = make(routings=3, rate=0.3).train()
        torch.manual_seed(1)
        tried = self.step(network, [1.0, 3.0, 2.0])  # utilities 1, -1, 0
        one = nn.functional.one_hot(tried, 2).float()
        moved = 0.5 + 0.3 * ((one[0] - 0.5) - (one[1] - 0.5)) / 3
        torch.testing.assert_close(network.sharing.table, moved)
        assert network.passes == 3

    def test_absent_tasks_keep_their_distributions(self):
        network = make(rate=0.3).train()
        torch.manual_seed(1)
        self.step(network, [1.0, 2.0], ["b"])
        assert bool((network.sharing.table[:, 0] == 0.5).all())
        assert not bool((network.sharing.table[:, 1] == 0.5).all())

    def test_composites_are_taken_apart(self):
        network = make(tasks=by_name(A, B, union("any", "a", "b")), rate=0.3).train()
        torch.manual_seed(1)
        self.step(network, [1.0, 2.0], ["any"])
        assert not bool((network.sharing.table == 0.5).all())

    def test_a_failure_leaves_no_route_behind(self):
        network = make().eval()

        def fail():
            raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011 - our own
            network.before_step(fail, ["a"])
        assert network.sharing.routes() == ((0, 1),) * DEEP

    def test_the_better_module_wins(self):
        """Module 1 computes what the task wants, module 0 something else."""
        network = make(tasks=by_name(A), modules=2, rate=0.1).train()
        torch.manual_seed(0)
        for _ in range(150):
            network.before_step(
                lambda: torch.tensor(float(network.sharing.routes()[2][0] == 0)), ["a"]
            )
        assert float(network.sharing.table[2, 0, 1]) > 0.9


class TestGradients:
    def gradients(self, network, tasks):
        network.zero_grad(set_to_none=True)
        batch = make_batch(3, 2)
        asked = dict.fromkeys(tasks, mask(1, 1, 1))
        outputs = network([batch] * network.passes, [asked] * network.passes)
        torch.stack(
            [o[-1].square().mean() for out in outputs for o in out.values()]
        ).sum().backward()

    @pytest.mark.parametrize("tasks", [["a", "b"], ["b"]])
    def test_are_divided_by_the_tasks_that_a_part_serves(self, tasks):
        network = make(tasks=by_name(A, B, vector("c")), modules=2, routings=3).train()
        network.sharing.table.copy_(torch.rand(DEEP, 3, 2) + 0.2)
        network.sharing.table /= network.sharing.table.sum(-1, keepdim=True)
        network.sharing._present = tuple(tasks)
        torch.manual_seed(2)
        self.gradients(network, tasks)
        before = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
        network.after_backward()
        numbers = [network.sharing.tasks.index(task) for task in tasks]
        seen = set()
        for name, parameter in network.named_parameters():
            if parameter.grad is None:
                continue
            part = name.split(".")
            if part[0] == "heads":
                scale = 1.0
            elif "stem" in name:
                scale = 1.0 / len(tasks)
            else:  # sharing.copies.K.stages.P
                scale = 1.0 / float(
                    network.sharing.table[int(part[4]), numbers, int(part[2])].sum()
                )
            torch.testing.assert_close(parameter.grad, scale * before[name])
            seen.add(part[0] if part[0] == "heads" else part[3])
        assert seen == {"heads", "stem", "stages"}

    def test_a_task_that_reads_early_is_served_by_no_later_stage(self):
        heads = {"b": {"kind": "class", "stage": 1}}
        network = make_network(
            "light", TASKS, sharing={"kind": "learned", "routings": 8, "rate": 0.3}, heads=heads
        ).train()
        torch.manual_seed(1)
        losses = iter(range(8))
        network.before_step(lambda: torch.tensor(float(next(losses))), ["a", "b"])
        table = network.sharing.table
        assert bool((table[2:, 1] == 0.5).all())  # never tried, so nothing was learned
        assert not bool((table[:, 0] == 0.5).any() | (table[:2, 1] == 0.5).any())
        self.gradients(network, ["a", "b"])
        before = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
        network.after_backward()
        for stage, served in ((1, table[1].sum(0)), (2, table[2, 0])):
            for module, count in enumerate(served.tolist()):
                start = f"sharing.copies.{module}.stages.{stage}."
                found = {n: p.grad for n, p in network.named_parameters() if n.startswith(start)}
                assert found
                for name, gradient in found.items():
                    torch.testing.assert_close(gradient, before[name] / count)

    def test_passes_draw_routes_of_their_own(self):
        network = make(routings=8).train()
        torch.manual_seed(0)
        self.gradients(network, ["a", "b"])
        for copy in network.sharing.copies:
            used = [any(p.grad is not None for p in stage.parameters()) for stage in copy.stages]
            assert all(used)

    def test_modules_that_were_not_drawn_get_none(self):
        network = make().eval()
        route(network, a=0, b=1)
        batch = make_batch(2, 2)
        network([batch], [{"a": mask(1, 1)}])[0]["a"][-1].sum().backward()
        copies = network.sharing.copies
        assert all(p.grad is not None for p in copies[0].parameters())
        assert all(p.grad is None for p in copies[1].parameters())


class TestShared:
    def test_is_the_stem_while_routes_are_drawn(self):
        network = make().train()
        stem = {id(p) for p in network.sharing.copies[0].stem.parameters()}
        assert {id(p) for p in network.shared(["a", "b"])} == stem

    def test_ends_where_ways_part(self):
        network = make().eval()
        route(network, a=[0, 1, 0, 0, 0], b=[0, 1, 1, 0, 0])
        last = network.sharing.copies[1].stages[1].last
        assert {id(p) for p in network.shared(["a", "b"])} == {id(p) for p in last.parameters()}
        own = network.sharing.copies[0].stages[4].last
        assert {id(p) for p in network.shared(["a"])} == {id(p) for p in own.parameters()}


class TestFreezing:
    def test_keeps_the_likeliest_routes_for_good(self):
        network = make().train()
        route(network, a=0, b=[0, 0, 1, 1, 1])
        network.freeze()
        expected = ((0, 0), (0, 0), (0, 1), (0, 1), (0, 1))
        assert network.sharing.frozen == network.sharing.routes() == expected
        assert network.training
        assert network.passes == 1
        network.before_step(lambda: pytest.fail("routes are fixed"), ["a"])
        network.sharing.table.fill_(0.5)
        assert network.sharing.routes() == expected
        last = network.sharing.copies[0].stages[1].last
        assert {id(p) for p in network.shared(["a", "b"])} == {id(p) for p in last.parameters()}

    def test_leaves_gradients_as_they_are(self):
        network = make().train()
        network.freeze()
        TestGradients().gradients(network, ["a", "b"])
        before = [None if p.grad is None else p.grad.clone() for p in network.parameters()]
        network.after_backward()
        for parameter, gradient in zip(network.parameters(), before, strict=True):
            assert (parameter.grad is None) == (gradient is None)
            assert gradient is None or torch.equal(parameter.grad, gradient)

    def test_makes_it_exportable(self):
        network = make("light-causal").eval()
        route(network, a=0, b=[0, 0, 1, 1, 1])
        network.freeze()

        class Features(nn.Module):
            def __init__(self, sharing):
                super().__init__()
                self.sharing = sharing

            def forward(self, x):
                asks = {task: Ask(stages=(4,)) for task in TASKS}
                found, _ = self.sharing({"rgb": x}, {}, asks, {})
                return found["a"][4], found["b"][4]

        part = Features(network.sharing).eval()
        x = make_batch(1, 4).inputs["rgb"]
        exported = torch.export.export(part, (x,)).module()
        for ours, theirs in zip(part(x), exported(x), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_options_that_cannot_be_are_refused() -> None:
    for fault in ({"routings": 1}, {"modules": 0}, {"smallest": 0.0}, {"rate": 0.0}):
        with pytest.raises(ValueError, match=next(iter(fault))):
            read_config(LearnedConfig, fault, "test")
