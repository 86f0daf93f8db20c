"""A finished study as a small folder to keep: figures as JSON, plots, and a page of text."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onebody
from onebody.studies.section import SectionResult, Table
from onebody.studies.study import StudyResult
from onebody.studies.study_pictures import draw


def keep_study(result: StudyResult, folder: Path, *, name: str, command: str) -> Path:
    """Write ``study.json``, a PNG per plot, and ``README.md``.

    Args:
        result: of a finished study.
        folder: it is made if needed; plots of an earlier time are taken away.
        name: of the study.
        command: that repeats it.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for section in result.sections:
        for plot in section.plots:
            (folder / f"{plot.name}.png").write_bytes(draw(plot))
    text = json.dumps(to_plain(result, name=name, command=command), separators=(",", ":"))
    (folder / "study.json").write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_text(result, name, command), encoding="utf-8")
    return folder


def to_plain(result: StudyResult, *, name: str, command: str) -> dict[str, Any]:
    """Return a study as plain values, without the texts of its tables."""
    return {
        "study": name,
        "command": command,
        "version": onebody.__version__,
        "runs": result.runs,
        "recipe": result.recipe.plain(),
        "choice": _rounded(asdict(result.choice)),
        "named": list(result.named),
        "findings": [_rounded(asdict(finding)) for finding in result.findings],
        "sections": {s.title: _rounded(dict(s.figures)) for s in result.sections},
    }


def _rounded(value: Any) -> Any:
    """Return plain values with figures of five digits after the point."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value


def _text(result: StudyResult, name: str, command: str) -> str:
    """Return the page of text."""
    parts = [
        f"# Study `{name}`",
        f"{result.runs} runs, onebody {onebody.__version__}. Repeat it with:",
        f"```sh\n{command}\n```",
        "## What was found",
        "\n".join(f"- {sentence}" for sentence in result.named),
        "\n".join(f"- {finding.sentence}" for finding in result.findings),
    ]
    for section in result.sections:
        parts += [f"## {section.title}", *_section(section)]
    return "\n\n".join(parts) + "\n"


def _section(section: SectionResult) -> list[str]:
    """Return a section's tables and plots."""
    parts: list[str] = []
    for table in section.tables:
        parts += [f"### {table.title}", _table(table), *table.notes]
    return [*parts, *(f"![{plot.title}]({plot.name}.png)" for plot in section.plots)]


def _table(table: Table) -> str:
    """Return a table in Markdown."""
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
