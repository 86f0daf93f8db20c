"""``onebody evaluate``: fusion, views, boxes, and every output of a network with several."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.models import load_network
from onebody.training import load_recipe
from saved_runs import write_run

NETWORK = (
    "{kind: spnet, num_levels: 3, kernel_size: 3, growth: 8, image_div: 4, stem_width: 8, "
    "num_pose_features: 16, num_visual_features: 16}"
)
CHANGES = (
    f"network={NETWORK}",
    "data.0.dataset.actions=[jump, catch]",
    "data.0.dataset.gestures=[clap, point]",
    "data.0.dataset.size=32",
    "input.size=32",
    "schedule.epochs=1",
    "evaluation.fusion=product",
    "evaluation.clips=2",
)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def figures_of(*arguments):
    result = run("evaluate", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEBODY_CACHE", str(folder / "cache"))
        result = run("train", "debug-simulated", *CHANGES, "--out", folder / "run", "--quiet")
        assert result.exit_code == 0, result.output
        yield folder / "run"


def test_a_run_is_measured_as_its_recipe_says(trained):
    assert load_recipe(str(trained)).evaluation.fusion == "product"
    own = figures_of(trained)
    asked = figures_of(trained, "--fusion", "product", "--clips", 2, "--no-flip", "--crops", 1)
    assert asked == own
    summary = json.loads((trained / "summary.json").read_text())["test"]
    assert own["action"]["ece"] == pytest.approx(summary["action"]["ece"])
    average = figures_of(trained, "--fusion", "average")
    assert average["pose"] == own["pose"]
    assert average["action"]["ece"] != own["action"]["ece"]


def test_json_tells_what_figures_are_to_be_held_against(trained):
    found = figures_of(trained)["judged"]
    assert set(found) == {"action", "gesture"}
    own = found["action"]
    table = run("evaluate", trained).output
    assert f"(majority {100 * own['majority']:.1f} %; {own['people']} people" in table
    assert 0 < own["majority"] <= 1
    assert own["seen"] == 0


def test_views_are_options(trained):
    found = figures_of(trained, "--crops", 3, "--flip", "--clips", 1)
    plain = figures_of(trained, "--clips", 1)
    assert found["pose"]["error"] != plain["pose"]["error"]
    assert set(found) == set(plain)


def test_every_output_is_printed(trained):
    found = figures_of(trained, "--outputs")
    network = load_network(trained / "model").network
    notes = json.loads((trained / "model" / "network.json").read_text())["notes"]["outputs"]
    plain = figures_of(trained)
    assert set(found) == set(network.choices)
    for name, values in found.items():
        assert len(values["outputs"]) == network.choices[name]
        assert values["validation"] == notes[name]
        assert notes[name][values["chosen"]] == max(notes[name])
        chosen = values["outputs"][values["chosen"]]
        for metric, value in plain[name].items():
            assert chosen[metric] == pytest.approx(value, abs=1e-5)
        assert ("product" in values) == ("average" in values) == (name != "pose")
    result = run("evaluate", trained, "--outputs")
    assert result.exit_code == 0, result.output
    assert f"{found['action']['chosen']} (answers)" in result.output
    assert "product of all" in result.output
    assert "was chosen on validation rows" in result.output


def test_boxes_are_an_option(trained):
    whole = figures_of(trained, "--boxes", "none")
    assert whole == figures_of(trained)  # simulated sets have no boxes
    result = run("evaluate", trained, "--boxes", "own", "--json")
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)) == set(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fusion", "sum"), "'average' or 'product'"),
        (("--crops", "99"), "crops"),
        (
            ("--fusion", "product", "--clips", "1", "--no-flip", "--crops", "1"),
            "--fusion joins several looks at a clip, but the test of this run takes one",
        ),
        (("--boxes", "theirs"), "Unknown kind of --boxes 'theirs'"),
        (("--outputs", "--stress"), "--outputs is about plain figures"),
        (("--boxes", "own", "--stress"), "--boxes is about plain figures"),
        (("--by", "action", "--outputs"), "two tables"),
    ],
)
def test_impossible_options_are_explained(trained, arguments, message):
    result = run("evaluate", trained, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_a_network_with_one_answer_has_no_outputs(tmp_path, trained):
    folder = tmp_path / "plain"
    write_run(folder)
    (folder / "recipe.yaml").write_text((trained / "recipe.yaml").read_text())
    result = run("evaluate", folder, "--outputs")
    assert result.exit_code == 2
    assert "no task of this network has several outputs" in " ".join(result.output.split())
