"""``list`` and ``recipes`` name everything that a recipe can name."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from onebody.balancing import BALANCERS
from onebody.cli.app import app
from onebody.datasets import DATASETS
from onebody.metrics import METRICS
from onebody.models import ENCODERS, HEADS, NETWORKS, SHARINGS
from onebody.tasks import TASKS
from onebody.training import recipe_names


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def listed():
    return json.loads(run("list", "--json").output)


@pytest.mark.parametrize(
    ("kind", "registry"),
    [
        ("tasks", TASKS),
        ("datasets", DATASETS),
        ("networks", NETWORKS),
        ("encoders", ENCODERS),
        ("sharing", SHARINGS),
        ("heads", HEADS),
        ("balancing", BALANCERS),
        ("metrics", METRICS),
    ],
)
def test_everything_registered_is_listed_with_a_line(listed, kind, registry):
    assert list(listed[kind]) == list(registry)
    assert all(summary.strip() and "\n" not in summary for summary in listed[kind].values())


def test_recipes_are_listed(listed):
    assert list(listed["recipes"]) == recipe_names()
    output = run("recipes").output
    for name in recipe_names():
        assert f"\n{name} " in f"\n{output}"


def test_a_recipe_says_what_it_reads_and_reached():
    result = run("recipes", "utd-mhad-skeleton")
    assert result.exit_code == 0, result.output
    assert "  onebody train utd-mhad-skeleton" in result.output
    assert "Time:" in result.output
    assert result.output.endswith("\nData: utd-mhad in data/utd-mhad\n")
    result = run("recipes", "utd-mhad-skelton")
    assert result.exit_code == 2
    assert "Did you mean 'utd-mhad-skeleton'?" in result.stderr
    lines = run("recipes", "--figures").output.splitlines()
    assert len(lines) == 3 * len(recipe_names())
    assert all("Data: " in line for line in lines[1::3])
    place = recipe_names().index("utd-mhad-skeleton")
    assert "Time: " in lines[3 * place + 2]
    assert "Result" in lines[3 * place + 2]


def test_text_has_a_line_for_each(listed):
    lines = run("list").output.splitlines()
    assert len(lines) == len(listed) + sum(len(entries) for entries in listed.values())


def test_one_kind():
    result = run("list", "encoders")
    assert result.output.splitlines()[0] == "encoders:"
    assert len(result.output.splitlines()) == 1 + len(ENCODERS)


def test_sharing_tells_what_it_costs():
    result = run("list", "sharing")
    lines = result.output.splitlines()
    assert len(lines) == 1 + len(SHARINGS) + 2 + len(SHARINGS)
    assert lines[-len(SHARINGS) :][0].split() == ["hard", "1.00", "1.00", "1.00"]
    found = json.loads(run("list", "sharing", "--json").output)
    assert list(found["sharing"]) == list(found["cost"]) == list(SHARINGS)
    stitch = found["cost"]["cross-stitch"]
    assert lines[-len(SHARINGS) + 1].split()[1:] == [f"{value:.2f}" for value in stitch.values()]


def test_an_unknown_kind_says_what_is_meant():
    result = run("list", "encodrs")
    assert result.exit_code == 2
    assert "Did you mean 'encoders'?" in result.stderr
