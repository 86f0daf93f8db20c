"""A report shows clips without pictures, too: bodies and readings, with the network's answers."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image
from worn_training import WornConfig, build_worn, worn_recipe

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.studies.arms import JOINT
from onebody.studies.pictures import samples
from onebody.training import load_recipe, train


@pytest.fixture
def comparison(tmp_path, monkeypatch):
    """A comparison of which there is the joint network alone, on worn sensors."""
    factory = Factory(config=WornConfig, build=build_worn, summary="for tests")
    monkeypatch.setitem(DATASETS, "worn", factory)
    values = worn_recipe(tmp_path, "tcn-imu") | {"schedule": {"steps": 1}}
    path = tmp_path / "worn.yaml"
    path.write_text(yaml.safe_dump(values))
    summary = train(load_recipe(str(path)), tmp_path / "run", progress=False)
    return SimpleNamespace(runs=[SimpleNamespace(arm=JOINT, summary=summary)])


def test_worn_sensors_are_shown_as_curves(comparison):
    found = samples(comparison, 3)
    assert [name for name, _ in found] == ["worn:54", "worn:62", "worn:71"]
    for _, data in found:
        picture = Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2])))
        assert np.asarray(picture).std() > 3
        assert picture.height > 160  # curves, then answers and labels
