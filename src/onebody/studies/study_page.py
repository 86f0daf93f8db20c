"""``report.html`` of a study: findings, tables and plots in one file that needs nothing beside."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from string import Template

import onebody
from onebody.studies.report import STYLE, html_table
from onebody.studies.section import Finding, Plot, SectionResult
from onebody.studies.study import StudyResult
from onebody.studies.study_pictures import draw

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>$style
body { max-width: 84rem; } .wide { overflow-x: auto; } table { font-size: .82rem; }
td, th { white-space: nowrap; } .holds { color: #047857; } .not { color: #b91c1c; }
li { margin: .35rem 0; max-width: 60rem; }
</style></head><body>
<h1>$title</h1>
<p class="quiet">onebody $version, $runs runs</p>
<pre>$command</pre>
<h2>The named configuration</h2>
<ul>$named</ul>
<h2>Findings of the paper, here</h2>
<ul>$findings</ul>
$sections
</body></html>
""")

_CLASSES = {"holds here": "holds", "does not hold here": "not"}


def write_study_page(result: StudyResult, folder: Path, *, title: str, command: str) -> Path:
    """Write the page of a study.

    Args:
        result: of a finished study.
        folder: where ``report.html`` is written.
        title: heading of the page.
        command: that repeats the study.

    Returns:
        The page's path.
    """
    page = _PAGE.substitute(
        title=html.escape(title),
        style=STYLE,
        version=onebody.__version__,
        runs=result.runs,
        command=html.escape(command),
        named="".join(f"<li>{html.escape(sentence)}</li>" for sentence in result.named),
        findings="".join(_finding(finding) for finding in result.findings),
        sections="".join(_section(section) for section in result.sections),
    )
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _finding(finding: Finding) -> str:
    """Show a finding, its verdict colored."""
    verdict = html.escape(finding.verdict)
    mark = f'<b class="{_CLASSES.get(finding.verdict, "quiet")}">{verdict}</b>'
    return f"<li>{html.escape(finding.sentence).replace(verdict, mark, 1)}</li>"


def _section(section: SectionResult) -> str:
    """Show a section."""
    tables = "".join(
        f"<h3>{html.escape(table.title)}</h3>"
        f'<div class="wide">{html_table(table.columns, table.rows)}</div>'
        + "".join(f'<p class="quiet">{html.escape(note)}</p>' for note in table.notes)
        for table in section.tables
    )
    plots = "".join(_plot(plot) for plot in section.plots)
    return f"<h2>{html.escape(section.title)}</h2>{tables}{plots}"


def _plot(plot: Plot) -> str:
    """Show a plot."""
    data = base64.b64encode(draw(plot)).decode()
    return (
        f'<figure><img alt="{html.escape(plot.title)}" src="data:image/png;base64,{data}"></figure>'
    )
