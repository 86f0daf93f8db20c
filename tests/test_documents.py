"""The documents are true: their code runs, their commands parse, their links and files exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

import onebody.training
from onebody.cli.app import app
from onebody.cli.catalog import registered
from onebody.training import load_recipe, recipe_names

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
RUNNABLE = [path for path in DOCUMENTS if path.name == "README.md" or path.parent.name == "docs"]
NOT_RUN = "<!-- not run -->"

TINY = (
    "data.0.dataset.people=3",
    "data.0.dataset.actions=[walk, squat]",
    "data.0.dataset.gestures=[wave, clap]",
    "data.0.dataset.size=32",
    "data.0.dataset.frames=4",
    "split.validation={subject: [p00001]}",
    "input.size=32",
    "input.frames=4",
    "schedule.epochs=1",
    "train.log_every=1",
)
"""Changes that make a documented training on simulated people one of a second or two."""

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language; those marked as not run are left out."""
    pattern = rf"({re.escape(NOT_RUN)}\n)?^```{language}\n(.*?)^```"
    found = re.findall(pattern, path.read_text(encoding="utf-8"), re.S | re.M)
    return [code for exempt, code in found if not exempt]


def write_media(folder: Path, make_video) -> None:
    """Write the media that the documents name: those of the README, and of the manifest."""
    make_video(folder / "clip.mp4", 12, fps=10)
    make_video(folder / "clips" / "kitchen 1.mp4", 10, fps=5)
    make_video(folder / "clips" / "kitchen 2.mp4", 32, fps=5)
    make_video(folder / "clips" / "hall.avi", 10, fps=5, codec="mpeg4")
    pictures = folder / "frames" / "run_03"
    pictures.mkdir(parents=True)
    for number in range(8):
        Image.new("RGB", (64, 48), (10 * number, 80, 120)).save(pictures / f"img{number}.png")
    joints = np.full((10, 17, 3), 20, np.float32)
    joints[..., 2] = 1  # seen
    np.savez(folder / "poses.npz", kitchen1=joints)


def write_manifest_of_document(folder: Path) -> None:
    """Write the manifest and sidecar that docs/own-data.md shows, word for word."""
    document = ROOT / "docs" / "own-data.md"
    (folder / "clips.csv").write_text(blocks(document, "csv")[0], encoding="utf-8")
    (folder / "clips.yaml").write_text(blocks(document, "yaml")[0], encoding="utf-8")


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.name)
def test_python_blocks_run(path, tmp_path, monkeypatch, make_video):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEBODY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        onebody.training,
        "load_recipe",
        lambda name, changes=(): load_recipe(name, [*changes, *TINY]),
    )
    write_media(tmp_path, make_video)
    write_manifest_of_document(tmp_path)
    space: dict[str, object] = {"__name__": path.stem}
    for code in blocks(path, "python"):
        exec(compile(code, str(path), "exec"), space)
    if path.name == "README.md":
        assert set(space["summary"].test) == {"pose", "action", "gesture", "movement"}
        assert len(space["prediction"]) == 12
        assert (tmp_path / "clip.npz").is_file()
    if path.name == "own-data.md":
        assert (space["report"].rows, len(space["report"].errors)) == (4, 0)


def test_documents_with_examples_have_them():
    counts = {path.name: len(blocks(path, "python")) for path in RUNNABLE}
    assert counts["README.md"] == 2
    assert min(counts["own-data.md"], counts["architecture.md"]) >= 1


def commands(path: Path) -> list[str]:
    """Return what a document gives as ``onebody ...`` in code, comments cut off."""
    text = path.read_text(encoding="utf-8")
    spans = re.findall(r"`(onebody [^`\n]+)`", text)
    for block in blocks(path, "sh"):
        spans += [line for line in block.splitlines() if line.startswith("onebody ")]
    return [re.sub(r"\s+#.*", "", span) for span in spans]


def parse(command: str) -> list[str]:
    """Parse a command line as the program would, without running it; return the commands' names."""
    arguments = shlex.split(command)[1:]
    group, names = typer.main.get_command(app), []
    while arguments and hasattr(group, "commands"):
        if runs_alone(group) and arguments[0].startswith("-"):
            break  # options of its own
        name = arguments.pop(0)
        assert name in group.commands, f"{command!r}: there is no command {name!r}"
        names.append(name)
        group = group.commands[name]
    ends = runs_alone(group) or not hasattr(group, "commands")
    assert ends, f"{command!r} ends before its command"
    if arguments:  # the bare name of a command is a mention, not a line to be typed
        group.make_context(names[-1], arguments)
    return names


def runs_alone(group: object) -> bool:
    """Say whether a group of commands does something without one of them."""
    return bool(getattr(group, "invoke_without_command", False))


@documents
def test_commands_exist(path):
    assert all(parse(command) for command in commands(path))


def test_the_readme_names_every_command():
    named = {" ".join(parse(command)) for command in commands(ROOT / "README.md")}
    tree = typer.main.get_command(app).commands
    known = {
        f"{name} {inner}".strip()
        for name, command in tree.items()
        for inner in [*getattr(command, "commands", [""]), *[""] * runs_alone(command)]
    }
    assert named == known


@pytest.mark.parametrize(
    "command", ["onebody trian x", "onebody data", "onebody list --nope", "onebody find-boxes run"]
)
def test_wrong_commands_are_noticed(command):
    usage_error = typer.BadParameter.__base__  # of whichever click this typer brings
    with pytest.raises((AssertionError, usage_error)):
        parse(command)


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@documents
def test_relative_links_resolve(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
            assert anchor in {slug(heading) for heading in headings}, f"{path.name}: {target}"


@documents
def test_files_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    pattern = r"`((?:src|tests|recipes|benchmarks|docs)/[\w./-]+|(?:\w+/)?\w+\.(?:py|toml))`"
    for name in re.findall(pattern, text):
        places = (ROOT / name, ROOT / "src" / "onebody" / name)
        assert any(place.exists() for place in places), f"{path.name}: {name}"


def test_the_architecture_names_every_room():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "onebody"
    rooms = {f"{file.parent.name}/" for file in package.glob("*/__init__.py")}
    modules = {file.name for file in package.glob("[a-z]*.py")}
    assert {name for name in rooms | modules if f"`{name}`" not in text} == set()


def test_the_changelog_names_every_recipe():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert {name for name in recipe_names() if f"`{name}`" not in text} == set()


def test_the_list_holds_what_the_readme_promises():
    promised = re.search(r"`onebody list` \| every (.+) \|", (ROOT / "README.md").read_text())
    kinds = " ".join(registered())
    for word in promised[1].replace(" method", "").split(", "):
        assert word.rstrip("s") in kinds, word


@documents
def test_documents_are_plain(path):
    text = path.read_text(encoding="utf-8")
    assert text.isascii()
    assert text.endswith("\n")
    assert text.count("```") % 2 == 0
