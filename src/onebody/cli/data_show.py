"""``onebody data show``: look at samples as a network sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onebody.cli.named import named_recipe

if TYPE_CHECKING:
    from onebody.data import InputSpec, SampleTable
    from onebody.data.augment import AugmentConfig
    from onebody.inference.sheet import Sample


def show(
    what: Annotated[str, typer.Argument(help="A recipe (name, file, run folder) or a manifest.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes to the recipe."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("sheet.png"),
    samples: Annotated[int, typer.Option(min=1, help="How many samples of each source.")] = 12,
    pictures: Annotated[int, typer.Option(min=1, help="How many frames of each sample.")] = 4,
    seed: Annotated[int, typer.Option(help="Which samples.")] = 0,
    augment: Annotated[bool, typer.Option("--augment", help="Vary them as training does.")] = False,
) -> None:
    """Write a picture of random samples with their labels and joints drawn; of sensors, curves."""
    from dataclasses import replace

    from PIL import Image

    from onebody.inference.sheet import draw_sheet

    found: list[Sample] = []
    for table, spec, varied in _sources(what, changes or []):
        for medium in spec.media:
            shown = table_samples(
                table,
                choose_rows(table, medium.modality, samples, seed),
                spec,
                medium,
                pictures=pictures,
                seed=seed,
                augment=varied if augment else None,
            )
            more = f" ({medium.modality})" if spec.also else ""
            found += [replace(sample, name=sample.name + more) for sample in shown]
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_sheet(found)).save(out)
    typer.echo(f"{out}: {len(found)} samples")


def choose_rows(table: SampleTable, modality: str, count: int, seed: int) -> list[int]:
    """Draw rows that have a modality, in the table's order.

    Raises:
        ValueError: if no row has it.
    """
    import numpy as np

    from onebody.config import lookup

    there = np.flatnonzero(lookup(table.media, modality, "modality") != "")
    if not len(there):
        raise ValueError(f"Table {table.name!r}: no row has the modality {modality!r}.")
    drawn = np.random.default_rng(seed).permutation(there)[:count]
    return sorted(int(row) for row in drawn)


def table_samples(
    table: SampleTable,
    rows: list[int],
    spec: InputSpec,
    medium: InputSpec | None = None,
    *,
    pictures: int = 4,
    seed: int = 0,
    augment: AugmentConfig | None = None,
) -> list[Sample]:
    """Prepare rows as for a network; joints columns are read whatever the tasks are.

    Args:
        table: the rows' table.
        rows: which.
        spec: how they are prepared.
        medium: which of its media is shown; None: the first.
        pictures: how many frames of each clip are shown.
        seed: of the variation.
        augment: how they are varied; None: not at all.
    """
    from onebody.data import JointsColumn, TargetSpec
    from onebody.data.assemble import make_batch
    from onebody.data.reading import channels_of
    from onebody.inference.sheet import batch_samples
    from onebody.inference.sheet_series import series_samples

    medium = spec if medium is None else medium
    if channels_of(medium.modality) is None:
        return series_samples(
            table, rows, spec, medium, pictures=pictures, seed=seed, augment=augment
        )
    placed = medium.modality == spec.modality  # joints are in pixels of the first medium
    columns = {n: c for n, c in table.columns.items() if placed and isinstance(c, JointsColumn)}
    targets = [
        # Two dimensions are enough to draw; 3D joints are projected.
        TargetSpec(task=name, column=name, form="joints", skeleton=column.skeleton, dims=2)
        for name, column in columns.items()
    ]
    batch = make_batch(table, rows, spec, targets, augment=augment, key=(seed, 0))
    skeletons = {name: column.skeleton for name, column in columns.items()}
    return batch_samples(table, batch, medium.modality, skeletons, pictures=pictures)


def _sources(
    what: str, changes: list[str]
) -> list[tuple[SampleTable, InputSpec, AugmentConfig | None]]:
    """Return the tables of a recipe or a manifest, and how they are prepared."""
    from onebody.config import build
    from onebody.data.flow import with_flow
    from onebody.datasets import DATASETS

    recipe = named_recipe(what, changes)
    if recipe is None:
        return [_manifest(Path(what))]
    specs = [recipe.input_of(place) for place in range(len(recipe.data))]
    tables = [build(DATASETS, part.dataset, "dataset") for part in recipe.data]
    return [
        (with_flow(table, spec), spec, recipe.augment)
        for table, spec in zip(tables, specs, strict=True)
    ]


def _manifest(path: Path) -> tuple[SampleTable, InputSpec, AugmentConfig | None]:
    """Return the table of a manifest, and its first medium that can be drawn."""
    from onebody.data import InputSpec
    from onebody.data.reading import channels_of
    from onebody.data.sources import read_array
    from onebody.datasets.own import OwnConfig, build_own

    table = build_own(OwnConfig(manifest=path))
    shown = [modality for modality in table.media if channels_of(modality) is not None]
    bodies = [modality for modality in table.media if modality.split("/")[0] == "skeleton"]
    if not shown and bodies:
        layout = table.layout(bodies[0])
        return table, InputSpec(modality=bodies[0], skeleton=layout, dims=2, frames=8), None
    worn = [modality for modality in table.media if modality.split("/")[0] == "imu"]
    if not shown and worn:
        first = next(source for source in table.media[worn[0]].tolist() if source)
        count = read_array(first).shape[1]
        return table, InputSpec(modality=worn[0], sensors=count, frames=128), None
    if not shown:
        raise ValueError(
            f"{path}: holds no pictures, skeletons or sensors (modalities: "
            f"{', '.join(table.media)})."
        )
    return table, InputSpec(modality=shown[0], size=112, frames=8, stride=1), None
