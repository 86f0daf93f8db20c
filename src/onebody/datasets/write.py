"""Write a table as a manifest with its sidecar: what `build_own` reads back."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from onebody.data.table import ClassColumn, JointsColumn, SampleTable
from onebody.datasets.manifest import is_jsonl
from onebody.datasets.rows import BOX, CAMERA, MODALITIES, NUMBERS, TEXTS
from onebody.datasets.sidecar import sidecar_path


def write_manifest(table: SampleTable, path: Path) -> None:
    """Write a table as CSV (or, by its suffix, JSONL) and a sidecar ``.yaml``.

    Sources below the manifest's folder are written relative to it. Row names are not kept: a row
    is named after its line.

    Raises:
        ValueError: if a column's name has another meaning in a manifest, or a text cannot be
            written so that it is read back the same.
    """
    path = Path(path)
    _check_names(table, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    records = _records(table, path)
    if is_jsonl(path):
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    else:
        text = _to_csv(records, _names(table))
    sidecar = yaml.safe_dump(_sidecar(table), allow_unicode=True, sort_keys=False)
    _replace(sidecar_path(path), sidecar)
    _replace(path, text)


def _names(table: SampleTable) -> list[str]:
    """Return the columns that say something, in order."""
    numbers = [name for name in NUMBERS if not np.isnan(_number(table, name)).all()]
    texts = [name for name in TEXTS if (getattr(table, name) != "").any()]
    return [*table.media, *numbers, *texts, *table.columns]


def _number(table: SampleTable, name: str) -> Any:
    """Return a column of numbers by its name in manifests."""
    if name in CAMERA:
        return table.camera_matrix[:, CAMERA.index(name)]
    if name in BOX:
        return table.box[:, BOX.index(name)]
    return getattr(table, {"start": "start_s", "end": "end_s"}.get(name, name))


def _records(table: SampleTable, path: Path) -> Iterator[dict[str, str | float]]:
    """Yield what each row says; empty fields are left out."""
    root = os.path.join(os.path.abspath(path.parent), "")
    for row in range(len(table)):
        texts = {name: _relative(str(sources[row]), root) for name, sources in table.media.items()}
        numbers = {name: float(_number(table, name)[row]) for name in NUMBERS}
        texts |= {name: str(getattr(table, name)[row]) for name in TEXTS}
        for name, column in table.columns.items():
            if isinstance(column, JointsColumn):
                texts[name] = _relative(str(column.sources[row]), root)
            elif column.values[row] >= 0:
                texts[name] = column.space.classes[column.values[row]]
        for name, text in texts.items():
            if text != text.strip() or "\0" in text:
                raise ValueError(
                    f"{table.row_names[row]}: column {name!r}: expected a text without blanks "
                    f"around it, found {text!r}. Rename it before writing a manifest."
                )
        written = {n: v for n, v in numbers.items() if not np.isnan(v)}
        yield {**{n: t for n, t in texts.items() if t}, **written}


def _to_csv(records: Iterator[dict[str, str | float]], names: list[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def _sidecar(table: SampleTable) -> dict[str, Any]:
    """Return what the manifest itself cannot say."""
    labels: dict[str, dict[str, Any]] = {}
    for name, column in table.columns.items():
        if isinstance(column, ClassColumn):
            labels[name] = {"classes": list(column.space.classes)}
            if column.space.mirror:
                labels[name]["mirror"] = dict(column.space.mirror)
        else:
            labels[name] = {"skeleton": column.skeleton, "unit": column.unit}
    said: dict[str, Any] = {"name": table.name, "labels": labels}
    return said | ({"layouts": dict(table.layouts)} if table.layouts else {})


def _check_names(table: SampleTable, path: Path) -> None:
    """Refuse columns that would be read as something else."""
    if table.soft:
        raise ValueError(
            f"{path}: table {table.name!r} holds soft labels ({', '.join(table.soft)}), which are "
            "made for one training. Write it without them."
        )
    if table.rates:
        raise ValueError(
            f"{path}: table {table.name!r} has media that run at rates of their own "
            f"({', '.join(table.rates)}), of which a manifest's row states one. Write them apart."
        )
    for modality in table.media:
        if modality.partition("/")[0] not in MODALITIES:
            raise ValueError(
                f"{path}: a manifest has no modality {modality!r}. Known: {', '.join(MODALITIES)}."
            )
    for column in table.columns:
        if column in (*NUMBERS, *TEXTS, "media") or column.partition("/")[0] in MODALITIES:
            raise ValueError(
                f"{path}: the label column {column!r} means something else in a manifest. "
                "Rename it."
            )


def _relative(source: str, root: str) -> str:
    """Spell a source from the manifest's folder, if it lies there; else in full."""
    if not source:
        return ""
    full = os.path.abspath(source) + ("/" if source.endswith("/") else "")
    return full.removeprefix(root)


def _replace(path: Path, text: str) -> None:
    """Write a file in one step."""
    work = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        work.write_text(text, encoding="utf-8", newline="")
        os.replace(work, path)
    finally:
        work.unlink(missing_ok=True)
