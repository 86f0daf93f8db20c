"""A tiny network learns where a dot is and which way it goes, from samples with either label."""

import torch
import torch.nn.functional as F
from model_helpers import by_name, joints, make_context, make_network, vector
from torch import Tensor

from onebody.data import Batch

SIZE, FRAMES = 24, 5


def _dots(rows: int, generator: torch.Generator) -> tuple[Batch, Tensor, Tensor]:
    """Return clips of a dot moving right (1) or left (0), its class and its place per frame."""
    right = torch.randint(0, 2, (rows,), generator=generator)
    start = 0.35 + 0.3 * torch.rand(rows, 2, generator=generator)
    step = 0.06 * (2 * right - 1)
    x = start[:, :1] + step[:, None] * (torch.arange(FRAMES) - FRAMES // 2)  # [B, T]
    y = start[:, 1:].expand(rows, FRAMES)
    grid = (torch.arange(SIZE) + 0.5) / SIZE
    square = (grid - x[..., None, None]) ** 2 + (grid[:, None] - y[..., None, None]) ** 2
    picture = torch.exp(-square / (2 * 0.06**2)).unsqueeze(1).repeat(1, 3, 1, 1, 1)
    batch = Batch(inputs={"rgb": picture}, context=make_context(rows, FRAMES))
    return batch, right, torch.stack((x, y), -1)


def test_place_and_direction_are_learned_from_partial_labels() -> None:
    encoder = {
        "kind": "light",
        "stem": 8,
        "widths": [12],
        "blocks": [1],
        "strides": [2],
        "keypoints": 2,
        "point_width": 4,
        "temporal_width": 16,
        "dilations": [1],
    }
    tasks = by_name(vector("way", 2), joints("dot", 1))
    heads = {"way": {"kind": "class", "dropout": 0.0}}
    network = make_network(encoder, tasks, heads=heads, fresh=True).train()
    optimizer = torch.optim.AdamW(network.parameters(), 0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(80):
        batch, right, place = _dots(16, generator)
        odd = torch.arange(16) % 2 == 1  # half the rows carry the one label, half the other
        (outputs,) = network([batch], [{"way": odd, "dot": ~odd}])
        loss = F.cross_entropy(outputs["way"][-1], right[odd])
        loss = loss + 10 * F.l1_loss(outputs["dot"][-1][..., 0, :2], place[~odd])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    batch, right, place = _dots(64, generator)
    with torch.no_grad():
        (outputs,) = network.eval()([batch])
    assert float((outputs["way"][-1].argmax(1) == right).float().mean()) > 0.95
    assert float((outputs["dot"][-1][..., 0, :2] - place).abs().mean()) < 0.03
