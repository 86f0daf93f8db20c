"""What a network costs: parameters and multiplications per clip, for any subset of its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from onebody.data import Batch, Context, InputSpec
from onebody.models.base import Network, all_rows
from onebody.models.inputs import InputShape, input_shapes
from onebody.models.modes import evaluating
from onebody.skeletons import get_skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it takes to answer some tasks.

    Attributes:
        parameters: of the modules that run.
        macs: multiplications (each with its addition) of convolutions and matrix products, per
            clip. Norms, activations and softmax are not counted, as is usual.
    """

    parameters: int
    macs: int


def blank_batch(input: InputSpec, rows: int = 1, device: torch.device | str = "cpu") -> Batch:
    """Make a Batch of black clips without labels, as a network of this input reads them."""
    context = Context(
        row=torch.arange(rows),
        times_s=torch.arange(input.frames).repeat(rows, 1) / 25.0,
        crop_to_source=torch.eye(3)[:2].repeat(rows, 1, 1) * input.size,
        camera=torch.full((rows, 4), torch.nan),
        depth_ref_mm=torch.full((rows,), torch.nan),
    )
    shapes = input_shapes(input)
    inputs = {m.modality: _blank(m, shapes[m.modality], rows) for m in input.media}
    return Batch(inputs=inputs, context=context).to(device)


def _blank(input: InputSpec, shape: InputShape, rows: int) -> Tensor:
    """Make black clips, skeletons with every joint in the origin, or sensors that read zero."""
    if shape.sensors:
        return torch.zeros(rows, input.frames, shape.sensors, shape.channels)
    if shape.skeleton:
        joints = len(get_skeleton(shape.skeleton))
        return torch.zeros(rows, input.frames, joints, shape.channels)
    return torch.zeros(rows, shape.channels, input.frames, input.size, input.size)


def network_cost(network: Network, input: InputSpec, tasks: Sequence[str] | None = None) -> Cost:
    """Count by running one blank clip.

    Args:
        network: on any device; its mode and weights are left as they are.
        input: size and frames of the clip.
        tasks: which are answered; None: all.
    """
    device = next(network.parameters()).device
    batch = blank_batch(input, device=device)
    asked = all_rows(batch, list(network.tasks) if tasks is None else tasks)
    ran: set[nn.Parameter] = set()

    def note(module: nn.Module, _given: object) -> None:
        ran.update(module.parameters(recurse=False))

    handles = [module.register_forward_pre_hook(note) for module in network.modules()]
    try:
        with evaluating(network), torch.no_grad(), FlopCounterMode(display=False) as counter:
            network([batch], [asked])
    finally:
        for handle in handles:
            handle.remove()
    # The counter counts a multiplication and its addition as two.
    return Cost(parameters=sum(p.numel() for p in ran), macs=counter.get_total_flops() // 2)
