"""The command tree of ``onebody``."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from onebody import __version__
from onebody.cli.bench import bench
from onebody.cli.catalog import catalog
from onebody.cli.classic import classic
from onebody.cli.compare import compare
from onebody.cli.convert import convert
from onebody.cli.data_check import check
from onebody.cli.data_show import show
from onebody.cli.demo import demo
from onebody.cli.detect import detect
from onebody.cli.errors import Commands, command_group, show_warning
from onebody.cli.evaluate import evaluate
from onebody.cli.export import export
from onebody.cli.export_poses import export_poses
from onebody.cli.extract import extract
from onebody.cli.find_boxes import find_boxes
from onebody.cli.import_poses import import_poses
from onebody.cli.live import live
from onebody.cli.personalize import personalize
from onebody.cli.predict import predict
from onebody.cli.recipes import recipes
from onebody.cli.speed import start_again_if_faster
from onebody.cli.study import study
from onebody.cli.train import train
from onebody.cli.unusual import unusual

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: loading the formatter would take longer than the rest
    pretty_exceptions_enable=False,
    add_completion=False,
    help="One network for everything a moving body tells you: pose, action and gesture.",
    epilog="ONEBODY_DEBUG=1 shows tracebacks; ONEBODY_MALLOC=0 leaves memory settings alone.",
)
data = command_group("Look at data: check it, show it.")
app.add_typer(data, name="data")
app.add_typer(convert, name="convert")
app.add_typer(bench, name="bench")

app.command("demo")(demo)
app.command("train")(train)
app.command("compare")(compare)
app.command("study")(study)
app.command("classic")(classic)
app.command("evaluate")(evaluate)
app.command("detect")(detect)
app.command("unusual")(unusual)
app.command("personalize")(personalize)
app.command("predict")(predict)
app.command("live")(live)
app.command("extract")(extract)
app.command("find-boxes")(find_boxes)
app.command("import-poses")(import_poses)
app.command("export")(export)
app.command("export-poses")(export_poses)
data.command("check")(check)
data.command("show")(show)
app.command("recipes")(recipes)
app.command("list")(catalog)


def _show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Hold the options of the program itself (its help is given above)."""


def main() -> None:
    """Run the command line."""
    start_again_if_faster(sys.argv[1:])
    warnings.showwarning = show_warning
    app(prog_name="onebody")
