"""Boxes that a network finds, written into a prepared folder, and the run that finds them."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from marker_network import Boxed, marker_table
from onebody.cli.app import app
from onebody.cli.opened import protocol_of
from onebody.config import Config
from onebody.data import InputSpec
from onebody.data.store import load_table, save_table
from onebody.inference import Predictor
from onebody.models import SavedNetwork

SPEC = InputSpec(size=32, frames=3)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def data(tmp_path, monkeypatch):
    saved = SavedNetwork(network=Boxed(), tasks={}, input=SPEC, config=Config(), notes={})
    monkeypatch.setattr("onebody.inference.load", lambda *_, **__: Predictor(saved=saved))
    folder = tmp_path / "data"
    folder.mkdir()
    table = marker_table(folder, rows=3, height=200, width=300, boxes=True)
    save_table(table, folder)
    return folder


def test_found_boxes_stand_beside_the_same_media(data, tmp_path):
    out = tmp_path / "found"
    told = invoke("find-boxes", "run", data, "--out", out)
    assert told.exit_code == 0, told.output
    assert "3 rows, 3 with a person's box" in told.output
    assert "IoU with the 3 boxes of the data: 0." in told.output
    before, after = load_table(data), load_table(out)
    assert after.media["rgb"].tolist() == before.media["rgb"].tolist()
    np.testing.assert_allclose(after.box, before.box, atol=12)
    assert not np.array_equal(after.box, before.box)
    again = invoke("find-boxes", "run", data, "--out", out)
    assert again.exit_code == 2
    assert "holds a table already" in again.output


def test_data_without_boxes_have_nothing_to_compare_with(data, tmp_path):
    table = load_table(data)
    save_table(replace(table, box=np.full((3, 4), np.nan)), data)
    told = invoke("find-boxes", "run", data, "--out", tmp_path / "found")
    assert told.exit_code == 0, told.output
    assert "IoU" not in told.output


def test_a_run_may_find_the_people_of_another(tmp_path):
    (tmp_path / "recipe.yaml").write_text("{}")
    how = protocol_of(tmp_path / "tested", {}, str(tmp_path))
    assert (how.boxes, how.finder) == ("own", tmp_path)
    assert protocol_of(tmp_path / "tested", {}, "own").finder is None
    with pytest.raises(ValueError, match="kind of --boxes"):
        protocol_of(tmp_path / "tested", {}, "owns")
