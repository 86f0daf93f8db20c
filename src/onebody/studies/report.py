"""``report.html``: a comparison as one page that needs nothing beside it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

import onebody
from onebody.studies import pictures
from onebody.studies.compare import Comparison, Line
from onebody.studies.table import COLUMNS, cost_rows, figure, notes, rows

STYLE = """:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem;
  color: #17202e; background: #fff; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .3rem .9rem; text-align: right; border-bottom: 1px solid #dde3ec; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
.better { color: #047857; } .worse { color: #b91c1c; } .quiet { color: #5b6675; }
img { max-width: 100%; } figure { display: inline-block; margin: .4rem; vertical-align: top; }
figcaption { font-size: .8rem; color: #5b6675; text-align: center; }
pre { background: #f4f6fa; padding: .8rem; overflow-x: auto; font-size: .8rem; }"""
"""The style sheet of all pages."""

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
$style
</style></head><body>
<h1>$title</h1>
<p class="quiet">onebody $version</p>
$table
<ul>$notes</ul>
<h2>Cost</h2>
$costs
<h2>By test subject (joint network)</h2>
$subjects
<h2>What the joint network sees on test clips</h2>
$samples
<h2>Training</h2>
<img alt="loss and validation curves" src="$curves">
<h2>Confusion of the joint network on the test rows</h2>
$confusions
<h2>Recipe</h2>
<details><summary>as it was run</summary><pre>$recipe</pre></details>
</body></html>
""")


def write_report(comparison: Comparison, folder: Path, title: str) -> Path:
    """Write the page of a comparison.

    Args:
        comparison: finished.
        folder: where ``report.html`` is written.
        title: heading of the page.

    Returns:
        The page's path.
    """
    confusions = pictures.total_confusions(comparison)
    recipe = Path(comparison.runs[0].summary.folder) / "recipe.yaml"
    page = _PAGE.substitute(
        title=html.escape(title),
        style=STYLE,
        version=onebody.__version__,
        table=html_table(COLUMNS, rows(comparison)),
        notes="".join(f"<li>{html.escape(note)}</li>" for note in notes(comparison)),
        costs=html_table(
            ("network", "parameters", "MACs a clip", "training"), cost_rows(comparison)
        ),
        subjects=_subjects(comparison),
        samples="".join(_figure(name, data) for name, data in pictures.samples(comparison)),
        curves=pictures.curves(comparison),
        confusions="".join(
            _figure(task, pictures.confusion(classes, counts))
            for task, (classes, counts) in confusions.items()
        )
        or "<p>No task of classes.</p>",
        recipe=html.escape(recipe.read_text(encoding="utf-8")),
    )
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _subjects(comparison: Comparison) -> str:
    """Show the joint network's headline figures subject by subject."""
    names = sorted({subject for line in comparison.lines for subject in line.subjects})
    shown = [
        (line.task, line.metric, *(_of_subject(line, name) for name in names))
        for line in comparison.lines
    ]
    return html_table(("task", "metric", *names), shown)


def _of_subject(line: Line, subject: str) -> str:
    """Print one subject's figure; a dash where there is none."""
    value = line.subjects.get(subject)
    return "-" if value is None else figure(value, None, line.unit)


def html_table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Make an HTML table; better and worse are colored."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(_td(text) for text in line) + "</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _td(text: str) -> str:
    """Make a table cell."""
    mark = next((word for word in ("better", "worse") if text.endswith(word)), "")
    return (
        f'<td class="{mark}">{html.escape(text)}</td>' if mark else f"<td>{html.escape(text)}</td>"
    )


def _figure(caption: str, data: str) -> str:
    """Make a picture with a caption."""
    name = html.escape(caption)
    return f'<figure><img alt="{name}" src="{data}"><figcaption>{name}</figcaption></figure>'
