"""Recipes on a tiny dataset."""

import pytest
import yaml
from tiny_training import TinyConfig, build_tiny, plain

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.training.reading import load_recipe
from onebody.training.recipe import Recipe


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Return a maker of recipes: ``tiny(["train.seed=3"], action={"kind": ..})``."""
    monkeypatch.setitem(
        DATASETS, "tiny", Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    )

    def make(overrides=(), shrunk=False, **changes) -> Recipe:
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump({**plain(tmp_path), **changes}))
        return load_recipe(str(path), overrides, debug=shrunk)

    return make
