"""The command tree: fast help, helpful refusals, no tracebacks."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import typer
from typer.testing import CliRunner

from onebody import __version__
from onebody.cli.app import app
from onebody.cli.errors import Commands, one_line, show_warning

COMMANDS = (
    "demo",
    "train",
    "compare",
    "study",
    "classic",
    "evaluate",
    "predict",
    "extract",
    "import-poses",
    "export-poses",
    "recipes",
    "list",
    "data",
)


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_help_names_every_command():
    result = run("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.output


@pytest.mark.parametrize(
    "command", [*((c,) for c in COMMANDS), ("data", "check"), ("data", "show")]
)
def test_every_command_has_help(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_nothing_heavy_is_imported_for_help():
    heavy = "('torch', 'numpy', 'av', 'PIL', 'pydantic', 'matplotlib', 'yaml')"
    code = f"import sys, onebody.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_help_is_fast():
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "onebody.cli", "--help"], capture_output=True, check=True
        )
        times.append(time.perf_counter() - begin)
    assert min(times) < 1.5  # 0.2 s on an idle machine


def test_version():
    assert run("--version").output.strip() == __version__


def test_a_wrong_command_says_what_is_meant():
    result = run("trian")
    assert result.exit_code == 2
    assert "Did you mean 'train'?" in result.output


def test_a_wrong_option_says_what_is_meant():
    result = run("predict", "run", "a.mp4", "--windwo", "3")
    assert result.exit_code == 2
    assert "--window" in result.output


def failing(error):
    """A program whose one command raises."""
    broken = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @broken.callback()
    def nothing():
        pass

    @broken.command()
    def go():
        raise error

    return broken


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("first\n  second\n"), "onebody: first; second"),
        (FileNotFoundError(2, "No such file or directory", "a.mp4"), "a.mp4: No such file"),
        (PermissionError(13, "Permission denied", "x"), "onebody: x: Permission denied"),
        (FileExistsError(17, "File exists", "a.png"), "a.png: expected a folder, or nothing yet"),
        (ValueError(), "onebody: ValueError"),
        (ImportError("pip install 'onebody[viewer]'"), "onebody: pip install 'onebody[viewer]'"),
    ],
)
def test_errors_are_one_line(error, line, monkeypatch):
    monkeypatch.delenv("ONEBODY_DEBUG", raising=False)
    result = CliRunner().invoke(failing(error), ["go"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert line in result.stderr
    assert result.stderr.count("\n") == 1


def test_debugging_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("ONEBODY_DEBUG", "1")
    result = CliRunner().invoke(failing(ValueError("deep")), ["go"])
    assert isinstance(result.exception, ValueError)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ImportError("no module named x")])
def test_faults_of_the_program_are_not_hidden(error):
    result = CliRunner().invoke(failing(error), ["go"])
    assert result.exception is error


def test_what_is_noticed_is_one_line(capsys):
    show_warning(UserWarning("3 clips left out."), UserWarning, "config.py", 7)
    assert capsys.readouterr().err == "onebody: note: 3 clips left out.\n"
    show_warning(RuntimeWarning("overflow"), RuntimeWarning, "config.py", 7)
    assert "config.py:7: RuntimeWarning: overflow" in capsys.readouterr().err


def test_one_line_of_an_error_with_two_files():
    error = OSError(18, "Invalid cross-device link", "a", None, "b")
    assert one_line(error) == "a: b: Invalid cross-device link"


def test_a_process_ends_with_the_line_and_code_2(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "ONEBODY_DEBUG"}
    done = subprocess.run(
        [sys.executable, "-m", "onebody.cli", "predict", str(tmp_path / "none"), "a.mp4"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "no such folder" in done.stderr
