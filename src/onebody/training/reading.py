"""Finding, reading and writing recipes: YAML files, and ``key=value`` changes to them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml

import onebody
from onebody.config import nearest, read_config
from onebody.training.recipe import Recipe

_PACKAGE = Path(onebody.__file__).parent
_RESULT = re.compile(r"\b(Time( and result)?:|Measured\b).*")


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is written twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for place, key in enumerate(keys) if key in keys[:place]]
        if twice:
            raise ValueError(f"line {node.start_mark.line + 1}: {twice[0]!r} is written twice")
        return super().construct_mapping(node, deep)


def recipes_folder() -> Path:
    """Return where the package's own recipes lie: installed with it, or beside its source."""
    installed = _PACKAGE / "_recipes"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "recipes"


def recipe_names() -> list[str]:
    """Return the names of the package's own recipes."""
    return sorted(path.stem for path in recipes_folder().glob("*.yaml"))


def recipe_heading(name: str) -> list[str]:
    """Return the comment that a recipe of the package begins with, line by line, indented as is."""
    heading: list[str] = []
    for line in find_recipe(name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        heading.append(line.lstrip("#").removeprefix(" ").rstrip())
    return heading


def recipe_result(name: str) -> str:
    """Return what the heading of a recipe says of time and result; empty: nothing."""
    paragraphs = "\n".join(recipe_heading(name)).split("\n\n")
    told = (_RESULT.search(" ".join(paragraph.split())) for paragraph in paragraphs)
    return next((found[0] for found in told if found), "")


def recipe_data(name: str) -> list[str]:
    """Return what a recipe reads: each of its datasets, and where its files are expected."""
    _, values = read_values(name)
    parts = [values] if "dataset" in values else values.get("data", [])
    found = []
    for part in parts:
        dataset = part.get("dataset", "")
        about = {"kind": dataset} if isinstance(dataset, str) else dict(dataset)
        keys = ("folder", "manifest", "annotations", "images", "train")
        place = next((about[key] for key in keys if key in about), "")
        found.append(f"{about.get('kind', 'none')} in {place}" if place else f"{about['kind']}")
    return found


def find_recipe(name_or_path: str) -> Path:
    """Return the file of a recipe: one of the package's by name, a file, or a run's folder.

    Raises:
        ValueError: if there is none; names the nearest.
    """
    path = Path(name_or_path)
    if path.is_dir() and (path / "recipe.yaml").is_file():
        return path / "recipe.yaml"
    if path.is_file():
        return path
    if name_or_path in recipe_names():
        return recipes_folder() / f"{name_or_path}.yaml"
    beside = path.parent.glob("*.yaml") if path.suffix or len(path.parts) > 1 else []
    known = [*recipe_names(), *(str(found) for found in beside)]
    raise ValueError(f"There is no recipe {name_or_path!r}. {nearest(name_or_path, known)}")


def load_recipe(name_or_path: str, overrides: Sequence[str] = (), *, debug: bool = False) -> Recipe:
    """Read a recipe and change it.

    Args:
        name_or_path: name of one of the package's recipes, a YAML file, or a run's folder.
        overrides: changes such as ``train.seed=3``, ``data.0.batch_size=8``,
            ``network.encoder.width=16`` or ``tasks.pose=null`` (null takes out a mapping, a
            list or a text, so that the default holds); values are read as YAML.
        debug: make the changes first that the recipe lists under ``debug``, which shrink it to a
            run of seconds that shows that everything works, not what can be reached.

    Raises:
        ValueError: if there is no such recipe, it has no ``debug`` though that is asked for, or
            something in it is not possible: every fault is named, with the nearest key that exists.
    """
    path, values = read_values(name_or_path, overrides, debug=debug)
    if "kind" in values:
        raise ValueError(
            f"{path} trains no network (kind {values['kind']!r}). Its heading says which command "
            "runs it."
        )
    return read_config(Recipe, values, str(path))


def read_values(
    name_or_path: str, overrides: Sequence[str] = (), *, debug: bool = False
) -> tuple[Path, dict[str, Any]]:
    """Read the plain values of a recipe of any kind and change them; see `load_recipe`.

    Returns:
        The recipe's file, and its values without ``debug``.
    """
    path = find_recipe(name_or_path)
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected keys and values, found {type(values).__name__}.")
    shrinking = values.pop("debug", [])
    if not isinstance(shrinking, list) or not all(isinstance(c, str) for c in shrinking):
        raise ValueError(f"{path}: 'debug': expected a list of changes such as schedule.epochs=1.")
    if debug and not shrinking:
        raise ValueError(f"{path} has no 'debug' changes. Shrink it with key=value changes.")
    for change in (*(shrinking if debug else ()), *overrides):
        override(values, change)
    return path, values


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe so that `load_recipe` reads the same one."""
    path.write_text(yaml.safe_dump(recipe.plain(), sort_keys=False), encoding="utf-8")


def override(values: dict[str, Any], change: str) -> None:
    """Make one ``dotted.key=value`` change in plain values.

    Raises:
        ValueError: if the change has no ``=``, its value is no YAML, or a list has no such place.
    """
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise ValueError(f"Expected key=value, found {change!r}. Example: train.seed=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(
            f"{key}: {text!r} is not a YAML value. Quote texts with special signs."
        ) from None
    *parents, last = key.split(".")
    at: Any = values
    for part in parents:
        at = _enter(at, part, change)
    if isinstance(at, list):
        at[_place(at, last, change)] = value
    elif value is None and isinstance(
        at.get(last), (dict, list, str)
    ):  # its default may be no null
        del at[last]
    else:
        at[last] = value


def _enter(at: Any, part: str, change: str) -> Any:
    """Go one key down; a part that is given by its kind alone becomes a mapping on the way."""
    key: Any = _place(at, part, change) if isinstance(at, list) else part
    below = at[key] if isinstance(at, list) else at.setdefault(key, {})
    if isinstance(below, str):
        below = {"kind": below}
    elif below is None:
        below = {}
    elif not isinstance(below, (dict, list)):
        raise ValueError(f"{change!r}: {part!r} is {below!r}, which has no keys.")
    at[key] = below
    return below


def _place(at: list[Any], part: str, change: str) -> int:
    """Read a place in a list."""
    if not part.isdecimal() or int(part) >= len(at):
        raise ValueError(f"{change!r}: expected a place from 0 to {len(at) - 1}, found {part!r}.")
    return int(part)
