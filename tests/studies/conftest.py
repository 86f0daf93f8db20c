"""The tiny recipes of the training room's tests."""

import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))

from tiny_training import TinyConfig, build_tiny, plain

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.training import Recipe, load_recipe


@pytest.fixture(scope="module")
def tiny_recipe(tmp_path_factory) -> Recipe:
    """Return a recipe of pose, action, gesture and wearer on tiny clips."""
    folder = tmp_path_factory.mktemp("tiny")
    DATASETS["tiny"] = Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    path = folder / "tiny.yaml"
    values = {
        **plain(folder),
        "twins": {"pose": ["pose"], "doing": ["action", "gesture"]},
        "split": {"test": {"subject": ["s1", "s3"]}},
    }
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    yield load_recipe(str(path), ["schedule.epochs=1"])
    del DATASETS["tiny"]
