"""``onebody bench``: every size, runtime and precision of streams, and SPNet beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.inference.bench_file import FileRow
    from onebody.inference.bench_live import LiveBench
    from onebody.models import SavedNetwork


def bench_all(
    ctx: typer.Context,
    model: Annotated[
        list[str] | None, typer.Option(help="stream-s, stream-m or stream-l (repeat) [all].")
    ] = None,
    run: Annotated[
        list[Path] | None, typer.Option(help="Trained runs beside them, or alone (repeat).")
    ] = None,
    runtime: Annotated[
        list[str] | None, typer.Option(help="Only these, such as eager or openvino (repeat).")
    ] = None,
    size: Annotated[int, typer.Option(min=64, help="Side of the pictures.")] = 256,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each.")] = 7,
    reference: Annotated[
        bool, typer.Option("--spnet/--no-spnet", help="SPNet in the same rounds.")
    ] = True,
    memory: Annotated[
        bool, typer.Option("--memory/--no-memory", help="Peak memory, a process for each row.")
    ] = True,
    file: Annotated[
        bool, typer.Option("--file/--no-file", help="End to end from a 1280x720 H.264 file.")
    ] = True,
    threads: Annotated[int, typer.Option(help="Threads of each runtime [all].")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure streams, one frame at a time with their state, and SPNet in the same rounds.

    Pictures are of simulated people. Sizes that come without weights are untrained: speed does not
    depend on it, errors do. Ratios are of each network's fastest way to SPNet's.
    """
    if ctx.invoked_subcommand is not None:
        return
    import torch

    from onebody.inference.bench_live import bench_live

    if threads:
        torch.set_num_threads(threads)
    networks, trained = _networks(model or [], run or [], size)
    report = bench_live(
        networks,
        runtimes=runtime or [],
        rounds=rounds,
        reference=reference,
        memory=memory,
        say=_say,
    )
    files = _files(report, networks, trained) if file else []
    if as_json:
        plain = {**report.plain(), "end_to_end": [asdict(row) for row in files]}
        typer.echo(json.dumps(plain, indent=2, allow_nan=False))
        return
    for line in [*_rows(report), *_stages(report), *_ratios(report), *_file_lines(files)]:
        typer.echo(line)


def _networks(
    models: Sequence[str], runs: Sequence[Path], size: int
) -> tuple[dict[str, SavedNetwork], set[str]]:
    """Return networks by name, and which of them are trained."""
    from onebody.config import nearest
    from onebody.inference import load
    from onebody.inference.bench_networks import stream_network
    from onebody.inference.default import FOLDER, NAME, load_default
    from onebody.models.stream import SIZES

    known = [f"stream-{name}" for name in SIZES]
    for name in models:
        if name not in known:
            raise ValueError(f"--model: unknown network {name!r}. {nearest(name, known)}")
    wanted = models or ([] if runs else known)
    networks = {name: stream_network(name.removeprefix("stream-"), size) for name in wanted}
    found = {str(path): load(path).saved for path in runs}
    if NAME in wanted and FOLDER.is_dir():  # the one that comes with the package is trained
        own = load_default()
        if own.input.modality == "rgb" and own.input.size == size:
            found = {NAME: own, **found}
    return {**networks, **found}, set(found)


def _files(
    report: LiveBench, networks: dict[str, SavedNetwork], trained: set[str]
) -> list[FileRow]:
    """Measure each network on a file, by what ran it fastest in float32 and at any precision."""
    import tempfile

    from onebody.inference.bench_file import bench_file, write_sample
    from onebody.inference.bench_networks import runner_of
    from onebody.inference.step_frames import simulated_frames

    rows = []
    with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as work:
        _say("writing a video ..")
        path = write_sample(Path(work) / "sample.mp4")
        for name, saved in networks.items():
            best = {}
            for precisions in (("fp32",), ("fp32", "bf16", "int8")):
                some = [r for r in report.rows if r.model == name and r.precision in precisions]
                if some:
                    row = max(some, key=lambda row: row.frames_per_s)
                    best[row.runtime, row.precision] = row
            frames = simulated_frames(saved.input, 16)
            for row in best.values():
                _say(f"{name} from the video, {row.runtime} {row.precision} ..")
                with _one_thread_less():  # it decodes
                    runner = runner_of(saved, row.runtime, row.precision, frames, Path(work))
                    rows.append(bench_file(name, saved, runner, path, trained=name in trained))
    return rows


@contextmanager
def _one_thread_less() -> Iterator[None]:
    """Let the runtimes that are made have a thread less than all."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads - 1))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _rows(report: LiveBench) -> list[str]:
    """Return the table of speeds."""
    from onebody.cli.tables import text_table

    head = ["network", "runtime", "precision", "frames/s", "ms", "max error", "MiB", "answers"]
    cells = [
        [
            row.model,
            row.runtime,
            row.precision,
            f"{row.frames_per_s:.1f}",
            f"{1e3 / row.frames_per_s:.2f}",
            f"{row.max_abs_error:.1e}",
            "" if row.peak_memory_mb is None else f"{row.peak_memory_mb:.0f}",
            ", ".join(row.tasks),
        ]
        for row in report.rows
    ]
    return text_table(head, cells)


def _stages(report: LiveBench) -> list[str]:
    """Return what the parts of each network take, where they were measured."""
    lines = []
    for row in report.rows:
        if len(row.stages_ms) > 1:
            parts = ", ".join(f"{name} {ms:.2f}" for name, ms in row.stages_ms.items())
            lines.append(f"{row.model}, {row.runtime} {row.precision}, ms: {parts}")
    return ["", *lines] if lines else []


def _ratios(report: LiveBench) -> list[str]:
    """Return how much faster than SPNet."""
    lines = [
        f"{ratio.model} / {ratio.theirs.model}: {ratio.ratio:.1f} times the frames/s"
        f" ({'float32' if ratio.precision == 'fp32' else 'any precision'}: "
        f"{ratio.ours.runtime} {ratio.ours.precision} beside "
        f"{ratio.theirs.runtime} {ratio.theirs.precision}, "
        f"errors {ratio.ours.max_abs_error:.1e} and {ratio.theirs.max_abs_error:.1e})"
        for ratio in report.ratios
    ]
    return ["", *lines] if lines else []


def _file_lines(rows: Sequence[FileRow]) -> list[str]:
    """Return what came of the file."""
    lines = []
    for row in rows:
        parts = ", ".join(f"{name} {ms:.2f}" for name, ms in row.stages_ms.items())
        note = "" if row.trained else "; untrained, joints made up"
        lines.append(
            f"{row.model} from a 1280x720 file, {row.runtime} {row.precision}: "
            f"{row.frames_per_s:.0f} frames/s (ms: {parts}; decoded ahead, beside the rest; "
            f"processor time {row.cpu_ms:.1f} ms; person seen in {row.seen:.0%}{note})"
        )
    return ["", *lines] if lines else []


def _say(line: str) -> None:
    """Tell what is done."""
    typer.echo(line, err=True)
