"""A network without batch statistics, for gradients that can be worked out by hand."""

import torch
from torch import nn

from onebody.data import Batch, Context, Target
from onebody.models import Network, Stage
from onebody.training.distributed import World, distributed
from onebody.training.gradients import GradientConfig, Gradients
from onebody.training.step import _asked, _counts, task_losses


class Squared:
    """A task whose loss is the squared difference of two numbers."""

    def __init__(self, name):
        self.name = name

    def loss(self, output, target):
        return (output[:, 0] - target.value).square()


class Layer(Stage):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x, state):
        return torch.tanh(self.linear(x)), {}


class Plain(Network):
    """Two layers that all tasks share, and a linear head for each."""

    causal = False

    def __init__(self, tasks="abc"):
        super().__init__()
        draw = torch.random.get_rng_state()
        torch.manual_seed(0)
        self.tasks = {name: Squared(name) for name in tasks}
        self.layers = nn.ModuleList([Layer(3, 5), Layer(5, 4)])
        self.heads = nn.ModuleDict({name: nn.Linear(4, 1) for name in tasks})
        torch.random.set_rng_state(draw)

    def forward(self, batches, rows=None):
        found = []
        for batch, asked in zip(batches, rows, strict=True):
            x = batch.inputs["x"]
            for layer in self.layers:
                x, _ = layer(x, {})
            found.append({n: (self.heads[n](x[r]),) for n, r in asked.items() if r.any()})
        return found

    def stream(self, frame, state):
        raise NotImplementedError

    def shared(self, tasks):
        return list(self.layers[1].parameters())

    def representation(self, tasks):
        return self.layers[1]


def make_batches(seed=0, rows=(6, 4), labels="abc", share=0.7):
    """Return Batches of which each row carries a label with some probability."""
    draw = torch.Generator().manual_seed(seed)
    batches = []
    for size in rows:
        targets = {
            name: Target(
                value=torch.randn(size, generator=draw),
                present=torch.rand(size, generator=draw) < share,
            )
            for name in labels
        }
        context = Context(
            row=torch.arange(size),
            times_s=torch.zeros(size, 1),
            crop_to_source=torch.zeros(size, 2, 3),
            camera=torch.zeros(size, 4),
            depth_ref_mm=torch.zeros(size),
        )
        x = torch.randn(size, 3, generator=draw)
        batches.append(Batch(inputs={"x": x}, targets=targets, context=context))
    return batches


def part_of(batches, rank, size):
    """Return every ``size``-th row, as a process of that rank is given."""
    parts = []
    for batch in batches:
        rows = torch.arange(rank, len(batch), size)
        parts.append(
            Batch(
                inputs={name: x[rows] for name, x in batch.inputs.items()},
                targets={name: target.select(rows) for name, target in batch.targets.items()},
                context=batch.context.select(rows),
            )
        )
    return parts


def take(network, batches, source, world=None):
    """Take the Gramian of a step as training does, then go backward.

    Returns:
        Names, Gramian, and the gradient of the whole network.
    """
    world = world or World()
    model = distributed(network, world)
    gradients = Gradients(GradientConfig(source=source), network, world)
    rows = [batch.present(tuple(network.tasks)) for batch in batches]
    counts, _ = _counts(batches, rows, world)
    with gradients.watching(tuple(counts)):
        outputs = model(batches, _asked(rows, counts))
    terms = task_losses(network, batches, outputs, rows, counts)
    losses = torch.stack([term.detach() for term in terms.values()])
    matrix, _ = gradients.gramian(terms, losses, 0)
    (torch.stack(list(terms.values())).sum() * world.size).backward()
    whole = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return tuple(terms), matrix, torch.cat(whole)
