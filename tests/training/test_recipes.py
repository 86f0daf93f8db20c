"""The recipes that come with the package, and training on own data from a manifest."""

import re

import pytest
import yaml
from tiny_training import TinyConfig, build_tiny, plain

from onebody.datasets.write import write_manifest
from onebody.training import load_recipe, read_log, recipe_heading, recipe_names, train
from onebody.training.reading import read_values

OTHERS = [name for name in recipe_names() if "kind" in read_values(name)[1]]
"""Recipes that train no network; tests of their own room read them."""


@pytest.mark.parametrize("name", OTHERS)
def test_recipes_of_other_kinds_are_no_training(name):
    with pytest.raises(ValueError, match=rf"{name}.yaml trains no network \(kind '[\w-]+'\)"):
        load_recipe(name)


@pytest.mark.parametrize("name", [name for name in recipe_names() if name not in OTHERS])
def test_recipes_are_read_and_say_how_to_run_them(name):
    recipe = load_recipe(name)
    assert any(re.search(rf"onebody \w+ {name}\b", line) for line in recipe_heading(name))
    for task, config in recipe.tasks.items():
        if not config.needs:
            assert list(recipe.only([task]).tasks) == [task]
    if not name.startswith("debug-"):  # which are a run of seconds themselves
        assert load_recipe(name, debug=True) != recipe  # refused where there is no 'debug'


def test_the_debug_recipe_learns(tmp_path, monkeypatch):
    monkeypatch.setenv("ONEBODY_CACHE", str(tmp_path / "cache"))
    summary = train(load_recipe("debug-simulated"), tmp_path / "run", progress=False)
    first, *_, last = [x["loss"] for x in read_log(tmp_path / "run" / "log.jsonl") if "loss" in x]
    assert set(first) == {"pose", "action", "gesture", "movement"}
    for task, loss in last.items():
        assert loss < 0.75 * first[task], task
    # Everybody stands in the middle of the picture: an untrained network gets 13 %.
    assert summary.validation["pose"]["pck_crop"] > 0.25
    assert summary.rows == {"train": 32, "validation": 8, "test": 8, "unlabeled": 0}


def test_training_on_own_data(tmp_path):
    table = build_tiny(TinyConfig(folder=tmp_path / "data", labels="one"))
    manifest = tmp_path / "data" / "clips.csv"
    write_manifest(table, manifest)
    values = plain(tmp_path)
    values["data"][0]["dataset"] = {"kind": "own", "manifest": str(manifest)}
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(values))
    summary = train(load_recipe(str(path), ["schedule.epochs=1"]), tmp_path / "run", progress=False)
    assert summary.rows == {"train": 16, "validation": 4, "test": 4, "unlabeled": 0}
    assert set(read_log(tmp_path / "run" / "log.jsonl")[-1]["validation"]) == {"action"}
