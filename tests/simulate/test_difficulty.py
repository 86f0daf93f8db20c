"""Classes must differ by movement, not by pose: neither one frame nor the mean pose tells them.

Where a single frame suffices, a network need not look at time, and a comparison of methods that
do says nothing.
"""

import pytest
import torch
from torch import nn

from onebody.simulate.actions import ACTIONS
from onebody.simulate.body import BODY
from onebody.simulate.gestures import GESTURES
from onebody.simulate.motion import make_motion

FRAMES = 16
ENDS = ("head", "elbow", "wrist", "knee", "ankle")
LIMBS = [i for i, name in enumerate(BODY.joints) if name.endswith(ENDS)]


def clips(kinds, people, draws):
    """Root-relative joints ``[N, T, 20, 3]`` in meters and classes ``[N]``."""
    entries = [(c, p, d) for p in people for c in range(len(kinds)) for d in range(draws)]
    seeds = [(d * 100 + c) * 1000 + p for c, p, d in entries]
    motion = make_motion(
        [kinds[c] for c, _, _ in entries], [p for _, p, _ in entries], seeds, FRAMES, fps=10.0
    )
    joints = motion.joints_mm - motion.joints_mm[:, :, BODY.root[0], None]
    return joints / 1000, torch.tensor([c for c, _, _ in entries])


def temporal(classes):
    """A small network over time: limbs' ends and middles, two convolutions, the largest answer."""
    return nn.Sequential(
        nn.Conv1d(3 * len(LIMBS), 64, 5, padding=2),
        nn.ReLU(),
        nn.Conv1d(64, 96, 7, padding=3),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(1),
        nn.Flatten(),
        nn.Linear(96, classes),
    )


def accuracy(network, train, test, *, steps, rate, size=1024):
    """Share of the test rows that a network trained on (inputs, classes) gets right."""
    mean, spread = train[0].mean(dim=0), train[0].std(dim=0) + 1e-6
    (x, y), (x_test, y_test) = (((a - mean) / spread, b) for a, b in (train, test))
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (size,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
    return (network(x_test).argmax(dim=1) == y_test).float().mean().item()


@pytest.fixture(scope="module", params=["actions", "gestures"])
def data(request):
    torch.manual_seed(0)
    kinds = list(ACTIONS if request.param == "actions" else GESTURES)
    return len(kinds), clips(kinds, range(40), 4), clips(kinds, range(100, 115), 4)


def test_a_single_frame_does_not_tell_the_class(data):
    classes, *sets = data
    frames = [
        (x[torch.arange(len(x)), torch.randint(FRAMES, (len(x),))].flatten(1), y) for x, y in sets
    ]
    result = accuracy(nn.Linear(60, classes), *frames, steps=400, rate=0.05)
    assert 1.5 / classes < result < 0.5


def test_the_mean_pose_does_not_tell_the_class(data):
    classes, *sets = data
    means = [(x.mean(dim=1).flatten(1), y) for x, y in sets]
    result = accuracy(nn.Linear(60, classes), *means, steps=400, rate=0.05)
    assert 1.5 / classes < result < 0.6


def test_the_movement_tells_the_class(data):
    classes, *sets = data
    moves = [(x[:, :, LIMBS].flatten(2).mT, y) for x, y in sets]
    assert accuracy(temporal(classes), *moves, steps=200, rate=0.006, size=128) > 0.9
