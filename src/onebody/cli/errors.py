"""Errors of the user's making become one line on the error stream and exit code 2."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

USER_ERROR = 2


def command_group(help: str, *, no_args_is_help: bool = True) -> typer.Typer:
    """Make a group of commands below ``onebody``."""
    return typer.Typer(
        cls=Commands, no_args_is_help=no_args_is_help, rich_markup_mode=None, help=help
    )


class Commands(TyperGroup):
    """A group of commands that explains what went wrong instead of showing a traceback.

    ``ONEBODY_DEBUG=1`` shows the traceback. Faults of the program itself (any other exception) are
    always shown whole.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run a command; see the class."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of a pipe has seen enough
            raise
        except (ValueError, OSError, ImportError) as error:
            extra = "onebody[" in str(error)  # a part that is not installed, and how to get it
            if os.environ.get("ONEBODY_DEBUG") == "1" or (
                isinstance(error, ImportError) and not extra
            ):
                raise
            complain(error)
            raise typer.Exit(USER_ERROR) from None


def complain(error: BaseException, prefix: str = "onebody") -> None:
    """Write an error as one line, which names what it concerns once."""
    sys.stdout.flush()
    text = one_line(error)
    typer.echo(text if text.startswith(f"{prefix}:") else f"{prefix}: {text}", err=True)


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write what the program notices (a `UserWarning`) as one line; others as Python does.

    It has the arguments of `warnings.showwarning`, in whose place it is put.
    """
    if category is UserWarning and file is None:
        typer.echo(f"onebody: note: {message}", err=True)
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line)
        print(text, end="", file=file or sys.stderr)


def one_line(error: BaseException) -> str:
    """Return what an error says as one line."""
    if isinstance(error, FileExistsError) and error.filename:
        return f"{error.filename}: expected a folder, or nothing yet, found a file. Name another."
    if isinstance(error, OSError) and error.strerror:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        return ": ".join([*names, error.strerror])
    text = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    return text or type(error).__name__
