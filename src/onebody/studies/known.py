"""What a study has to find out about a recipe before it is trained, found out once.

Opening the rows of every fold, solving for widths and timing steps takes minutes in a large study;
a study that goes on reads them from its folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onebody.data.targets import labeled_rows
from onebody.studies.arms import with_seed
from onebody.studies.sizes import equal_size_widths
from onebody.training import Recipe, build_run
from onebody.training.kept import check_fields, read_values, write_values

FILE = "known.json"
_REMEDY = "Delete it: what it says is found out again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A training that has not been run.

    Attributes:
        steps: optimizer steps in all.
        validations: how often the validation rows are measured.
        parameters: of the network.
        rows: by split and task, labeled rows; 0 for tasks that are made of others.
    """

    steps: int
    validations: int
    parameters: int
    rows: dict[str, dict[str, int]]


class Known:
    """Looks things up by what they depend on.

    Attributes:
        path: the file that keeps them.
    """

    def __init__(self, folder: Path) -> None:
        """Read what is known.

        Raises:
            ValueError: if the file is damaged.
        """
        self.path = folder / FILE
        self._values: dict[str, Any] = {}
        if self.path.exists():
            self._values = read_values(self.path, _REMEDY)

    def ask(self, key: str, find: Callable[[], Any]) -> Any:
        """Return what is known under a key; else find it out and keep it (plain JSON values)."""
        if key not in self._values:
            self._values[key] = find()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_values(self.path, self._values)
        return self._values[key]

    def preview(self, recipe: Recipe) -> Preview:
        """Open a recipe's rows and count its steps."""
        found = self.ask(f"preview {seedless(recipe)}", lambda: asdict(_preview(recipe)))
        check_fields(self.path, found, Preview, _REMEDY)
        return Preview(**found)

    def widths(self, recipe: Recipe) -> dict[str, float]:
        """Solve for twins of equal total size; see `equal_size_widths`."""
        found: dict[str, float] = self.ask(
            f"widths {seedless(recipe)}", lambda: equal_size_widths(recipe)
        )
        return found


def seedless(recipe: Recipe) -> str:
    """Return a fingerprint that is the same for every seed."""
    return with_seed(recipe, 0).fingerprint()


def _preview(recipe: Recipe) -> Preview:
    """Build a training as far as it goes without training."""
    setup = build_run(recipe)
    rows: dict[str, dict[str, int]] = {}
    for part, sources in setup.sources.items():
        rows[part] = dict.fromkeys(setup.network.tasks, 0)
        for source in sources:
            for target in source.targets:
                rows[part][target.task] += int(labeled_rows(source.table, target).sum())
    epochs = -(-setup.total_steps // setup.loader.steps)
    return Preview(
        steps=setup.total_steps,
        validations=-(-epochs // recipe.train.validate_every),
        parameters=sum(p.numel() for p in setup.network.parameters()),
        rows=rows,
    )
