"""The rules of the house: floors, sizes, names, and that every part says what it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import onebody.balancing
import onebody.datasets
import onebody.models
import onebody.tasks
import onebody.training.optimizer
from onebody.config import Config

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "onebody"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "types": -4,
    "config": -3,
    "home": -3,
    "labels": -2,
    "_layouts": -2,
    "skeletons": -1,
    "data": 0,
    "metrics": 0,
    "tasks": 1,
    "simulate": 1,
    "models": 2,
    "balancing": 2,
    "datasets": 2,
    "inference": 3,
    "evaluation": 4,
    "training": 5,
    "classic": 5,
    "studies": 6,
    "viewer": 6,
    "cli": 7,
}
"""Room (or base module) to floor; each imports lower floors only."""

MOST_LINES, MOST_FUNCTION_LINES, MOST_DEPTH = 400, 60, 3


def room(path: Path) -> str:
    """Return the room (or base module) that a file belongs to; empty for the package itself."""
    parts = path.relative_to(PACKAGE).parts
    if len(parts) > 1:
        return parts[0]
    return "" if parts[0] == "__init__.py" else parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the rooms and base modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "onebody":
            names = [f"onebody.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        found |= {n.split(".")[1] for n in names if n.startswith("onebody.")}
    return found - {"__version__"}


def functions(path: Path):
    """Yield the functions of a file with their code lines, docstring left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            yield node, lines


def test_rooms_import_lower_floors_only():
    wrong = [
        f"{path.relative_to(ROOT)} (floor {FLOORS[own]}) imports {other}"
        for path in FILES
        if (own := room(path))
        for other in imported(path)
        if other != own and FLOORS[other] >= FLOORS[own]
    ]
    assert wrong == []


def test_every_room_has_a_floor():
    assert {room(path) for path in FILES} - {""} <= set(FLOORS)


def test_files_and_functions_stay_small():
    long_files = [
        f"{p.name}: {n}" for p in FILES if (n := len(p.read_text().splitlines())) > MOST_LINES
    ]
    long_functions = [
        f"{path.name}:{node.name}: {lines}"
        for path in FILES
        for node, lines in functions(path)
        if lines > MOST_FUNCTION_LINES
    ]
    assert long_files == []
    assert long_functions == []


def test_folders_are_shallow():
    assert all(len(path.relative_to(PACKAGE).parts) <= MOST_DEPTH for path in FILES)


def test_everything_is_annotated():
    bare = [
        f"{path.name}:{node.name}"
        for path in FILES
        for node, _ in functions(path)
        if node.returns is None
        or any(a.annotation is None for a in node.args.args if a.arg not in ("self", "cls"))
    ]
    assert bare == []


def test_no_forbidden_library_is_imported():
    forbidden = re.compile(r"^\s*(from|import) (torchvision|timm|ultralytics|mmcv)\b", re.M)
    assert [p.name for p in FILES if forbidden.search(p.read_text())] == []


def test_opencv_is_asked_for_optical_flow_alone():
    """It is 150 MB, and packages that bring other builds of it overwrite each other's."""
    opencv = re.compile(r"^\s*(from|import) cv2\b", re.M)
    users = [
        path.relative_to(PACKAGE).as_posix() for path in FILES if opencv.search(path.read_text())
    ]
    assert users == ["data/flow.py"]


def test_nothing_is_unpickled():
    unsafe = re.compile(r"pickle\.load|allow_pickle=True|weights_only=False")
    assert [p.name for p in FILES if unsafe.search(p.read_text())] == []


REGISTRIES = {
    "ENCODERS": onebody.models.ENCODERS,
    "SHARINGS": onebody.models.SHARINGS,
    "HEADS": onebody.models.HEADS,
    "NETWORKS": onebody.models.NETWORKS,
    "TASKS": onebody.tasks.TASKS,
    "BALANCERS": onebody.balancing.BALANCERS,
    "DATASETS": onebody.datasets.DATASETS,
    "OPTIMIZERS": onebody.training.optimizer.OPTIMIZERS,
}


@pytest.mark.parametrize("name", REGISTRIES)
def test_every_entry_is_configured_and_described(name):
    for kind, factory in REGISTRIES[name].items():
        assert issubclass(factory.config, Config)
        assert factory.config.model_fields["kind"].default == kind
        assert 10 <= len(factory.summary) <= 90, f"{name}[{kind}]: {factory.summary!r}"


def test_recipes_say_how_they_are_run():
    for path in sorted((ROOT / "recipes").glob("*.yaml")):
        head = [line for line in path.read_text().splitlines() if line.startswith("#")]
        assert len(head) >= 3, path.name
        assert any(
            f"onebody {command} {path.stem}" in x
            for x in head
            for command in ("train", "compare", "study", "classic")
        ), path.name


def test_names_of_test_files_are_unique():
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"pytest takes two files of one name for one: {sorted(twice)}"
