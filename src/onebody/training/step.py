"""One training step, from Batches to moved weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from onebody.data import Batch
from onebody.models import Network, Outputs, evaluating
from onebody.training.distributed import World, summed
from onebody.training.report import StepReport
from onebody.training.setup import Setup


def train_step(setup: Setup, batches: Sequence[Batch], step: int) -> StepReport:
    """Make one optimizer step.

    A task without a label in the step, on any process, is no part of it: its head gets no
    gradient, so the optimizer does not move it.

    Args:
        setup: network, optimizer and all that belongs to them.
        batches: the step's rows, a Batch per shape.
        step: its number, from which dropout draws.

    Raises:
        ValueError: if a loss is not finite; names the task and the rows.
    """
    recipe, network, world = setup.recipe, setup.network, setup.world
    tasks = setup.stages.enter(step, setup.total_steps)
    batches = [_placed(batch, setup) for batch in batches]
    rows = [batch.present(tasks) for batch in batches]
    counts, samples = _counts(batches, rows, world)
    if not counts:
        return StepReport(samples=samples)

    setup.optimizer.zero_grad(set_to_none=True)
    torch.manual_seed(_step_seed(recipe.train.seed, step, _NOBODY))
    given = (batches, rows, counts)
    network.before_step(lambda: _score(setup, *given), tuple(counts))
    torch.manual_seed(_step_seed(recipe.train.seed, step, world.rank))
    # Runs that draw anew each time are one list of Batches: one forward and one backward for all.
    batches, rows = batches * network.passes, rows * network.passes
    counts = {name: count * network.passes for name, count in counts.items()}
    gradients = setup.gradients
    watching = gradients.watching(tuple(counts)) if gradients else nullcontext()
    with watching, torch.autocast(setup.device.type, torch.bfloat16, enabled=recipe.train.bf16):
        outputs = setup.model(batches, _asked(rows, counts))
    terms = task_losses(network, batches, outputs, rows, counts)
    losses = summed(torch.stack([terms[name].detach() for name in counts]), world)
    if not bool(losses.isfinite().all()):
        raise ValueError(_not_finite(setup, batches, outputs, rows, step))
    gramian, cosines = gradients.gramian(terms, losses, step) if gradients else (None, {})
    weights = setup.balancer.weights(losses, gramian, tuple(counts))
    total = torch.stack([w * terms[n] for n, w in zip(counts, weights, strict=True)]).sum()
    (total * world.size).backward()  # type: ignore[no-untyped-call]  # processes are averaged
    network.after_backward()
    setup.stages.after_backward()
    norm = _clip(setup, step)
    setup.optimizer.step()
    if setup.average is not None:
        setup.average.update(network)
    return StepReport(
        losses=dict(zip(counts, losses.tolist(), strict=True)),
        weights=dict(zip(counts, weights.tolist(), strict=True)),
        samples=samples,
        gradient_norm=norm,
        cosines=cosines,
    )


def task_losses(
    network: Network,
    batches: Sequence[Batch],
    outputs: Sequence[Outputs],
    rows: Sequence[Mapping[str, Tensor]],
    counts: Mapping[str, int],
) -> dict[str, Tensor]:
    """Return this process's part of each task's mean loss over all labeled samples.

    Args:
        network: whose tasks judge the outputs, and whose ``output_weights`` weigh early ones.
        batches: the step.
        outputs: what the network said of it.
        rows: per Batch and task ``[B]``: the rows that carry a label.
        counts: labeled rows of each present task over all processes.

    Returns:
        Scalars that add up, over the processes, to the mean losses.
    """
    terms: dict[str, Tensor] = {}
    for name, count in counts.items():
        sums = [
            sample_losses(network, name, batch, output, asked[name]).sum()
            for batch, output, asked in zip(batches, outputs, rows, strict=True)
            if bool(asked[name].any())
        ]
        # A process without a label of its own still takes part in the others' backward.
        idle = [p.sum() * 0.0 for output in outputs for p in output.get(name, ()) if not sums]
        terms[name] = torch.stack(sums or idle or [_zero(batches)]).sum() / count
    return terms


def sample_losses(
    network: Network, name: str, batch: Batch, outputs: Outputs, rows: Tensor
) -> Tensor:
    """Return one task's loss of each labeled row ``[N]``, over all its outputs, in float32."""
    target = batch.targets[name].select(rows)
    found = outputs[name]
    parts = [
        weight * network.tasks[name].loss(output.float(), target)
        for weight, output in zip(network.output_weights(name, len(found)), found, strict=True)
        if weight
    ]
    losses = torch.stack(parts).sum(0)
    return losses if target.weight is None else losses * target.weight


def _counts(
    batches: Sequence[Batch], rows: Sequence[Mapping[str, Tensor]], world: World
) -> tuple[dict[str, int], int]:
    """Count labeled rows of each task that has any, and all rows, over all processes."""
    labeled = [torch.stack([asked[name].sum() for name in rows[0]]) for asked in rows]
    everyone = labeled[0].new_tensor([sum(len(batch) for batch in batches)])
    found = summed(torch.cat([torch.stack(labeled).sum(0), everyone]), world).tolist()
    counts = {n: int(c) for n, c in zip(rows[0], found, strict=False) if c}
    return counts, int(found[-1])


def _asked(
    rows: Sequence[Mapping[str, Tensor]], counts: Mapping[str, int]
) -> list[dict[str, Tensor]]:
    """Return the labeled rows; on a process without any, one row of a present task instead.

    That row's outputs count nothing, but without a backward of its own such a process would leave
    the others waiting for its gradient.
    """
    asked = [dict(batch) for batch in rows]
    if not any(bool(row.any()) for batch in asked for row in batch.values()):
        name = next(iter(counts))
        asked[0][name] = torch.arange(len(asked[0][name]), device=asked[0][name].device) == 0
    return asked


def _score(
    setup: Setup,
    batches: Sequence[Batch],
    rows: Sequence[Mapping[str, Tensor]],
    counts: Mapping[str, int],
) -> Tensor:
    """Return the step's summed loss, in evaluation mode, without learning from it."""
    bf16 = torch.autocast(setup.device.type, torch.bfloat16, enabled=setup.recipe.train.bf16)
    with evaluating(setup.network), torch.no_grad(), bf16:
        terms = task_losses(setup.network, batches, setup.network(batches, rows), rows, counts)
        return summed(torch.stack(list(terms.values())).sum(), setup.world)


def _clip(setup: Setup, step: int) -> float | None:
    """Scale the gradient down to the greatest norm allowed; return the norm it had."""
    limit = setup.recipe.train.clip_norm
    if limit is None:
        return None
    norm = float(torch.nn.utils.clip_grad_norm_(setup.network.parameters(), limit))
    if norm == norm and norm != float("inf"):
        return norm
    raise ValueError(
        f"Step {step}: the losses are finite but their gradient is not (norm {norm}). Lower "
        "optimizer.lr, or turn train.bf16 off."
    )


def _placed(batch: Batch, setup: Setup) -> Batch:
    """Move a Batch to the device, clips with the channels innermost if the recipe says so."""
    batch = batch.to(setup.device)
    if not setup.recipe.train.channels_last:
        return batch
    inputs = {
        name: x.contiguous(memory_format=torch.channels_last_3d) if x.ndim == 5 else x
        for name, x in batch.inputs.items()
    }
    return Batch(inputs=inputs, valid=batch.valid, targets=batch.targets, context=batch.context)


def _step_seed(seed: int, step: int, rank: int) -> int:
    """Return what a process draws from in a step, so that a resumed run repeats it.

    Args:
        seed: of the training.
        step: number of the step.
        rank: of the process; `_NOBODY` for what all of them draw alike.
    """
    return (seed * 1_000_003 + step) * 1_009 + rank


_NOBODY = 1_008
"""The rank of no process: draws before the forward are none that the first process repeats."""


def _zero(batches: Sequence[Batch]) -> Tensor:
    """Return 0 on the device of the step."""
    return torch.zeros((), device=batches[0].context.row.device)


def _not_finite(
    setup: Setup,
    batches: Sequence[Batch],
    outputs: Sequence[Outputs],
    rows: Sequence[Mapping[str, Tensor]],
    step: int,
) -> str:
    """Say which rows of which tasks have a loss that is no number."""
    faults: list[str] = []
    for batch, output, asked in zip(batches, outputs, rows, strict=True):
        for name in output:
            if not bool(asked[name].any()):
                continue
            bad = ~sample_losses(setup.network, name, batch, output, asked[name]).isfinite()
            names = setup.row_names(batch, batch.context.row[asked[name]][bad], name)
            if names:
                more = f" and {len(names) - 5} more" if len(names) > 5 else ""
                faults.append(f"{name!r} for {', '.join(names[:5])}{more}")
    where = "; ".join(dict.fromkeys(faults)) or "on another process"
    return (
        f"Step {step}: the loss is not finite: {where}. Look at these rows' labels and "
        "media; if they are sound, lower optimizer.lr or set train.clip_norm."
    )
