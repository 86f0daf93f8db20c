"""Activity, wearer, gender and position of worn sensors, from rows that each carry one label."""

import pytest
import yaml
from worn_training import WornConfig, build_worn, worn_recipe

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.training import load_recipe, read_log, train


@pytest.mark.parametrize("encoder", ["imu-spectral", "tcn-imu"])
def test_four_tasks_learn_together_from_partly_labeled_rows(tmp_path, monkeypatch, encoder):
    factory = Factory(config=WornConfig, build=build_worn, summary="for tests")
    monkeypatch.setitem(DATASETS, "worn", factory)
    values = worn_recipe(tmp_path, encoder)
    values["data"][0]["dataset"] |= {"labels": "one"}
    values |= {"split": {"test_share": 0.2}, "augment": {}, "schedule": {"epochs": 20}}
    path = tmp_path / "worn.yaml"
    path.write_text(yaml.safe_dump(values))
    summary = train(load_recipe(str(path)), tmp_path / "run", progress=False)
    first, *_, last = [x["loss"] for x in read_log(tmp_path / "run" / "log.jsonl") if "loss" in x]
    assert set(first) == {"activity", "wearer", "gender", "position"}
    assert set(summary.test) == set(first)
    assert sum(last.values()) < 0.7 * sum(first.values())


def test_options_that_are_off_leave_the_fingerprint_as_it_was(tmp_path, monkeypatch):
    factory = Factory(config=WornConfig, build=build_worn, summary="for tests")
    monkeypatch.setitem(DATASETS, "worn", factory)
    path = tmp_path / "worn.yaml"
    path.write_text(yaml.safe_dump({**worn_recipe(tmp_path), "augment": {}}))
    recipe = load_recipe(str(path))
    assert load_recipe(str(path), ["augment.gain=[1, 1]"]).fingerprint() == recipe.fingerprint()
    for change in ("augment.gain=[0.9, 1]", "input.sensors=2"):
        assert load_recipe(str(path), [change]).fingerprint() != recipe.fingerprint()
