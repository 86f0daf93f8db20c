"""``onebody evaluate --fuse``: streams of a skeleton, trained apart, answer together."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import onebody.training
from onebody.cli.app import app
from onebody.data import ClassColumn, make_table
from onebody.data.store import save_table
from onebody.datasets.prepared import store_arrays
from onebody.labels import symmetric

RECIPE = {
    "input": {"modality": "skeleton", "skeleton": "penn-13", "dims": 2, "frames": 4},
    "split": {"test": {"subject": ["3"]}, "validation": {"subject": ["2"]}},
    "tasks": {"action": {"kind": "classification"}},
    "network": {
        "kind": "multitask",
        "encoder": {"kind": "stgcn", "channels": 4, "depth": 1, "blocks": 1},
    },
    "schedule": {"steps": 3},
}


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def evaluated(*arguments):
    result = run("evaluate", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def _write_poses(folder):
    """Write 3 people's clips, in which a class is the way that the body goes."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    labels = np.arange(24) % 3
    ways = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    clips = [
        (generator.normal(size=(6, 13, 2)) + np.arange(6)[:, None, None] * ways[k]).astype("f4")
        for k in labels
    ]
    table = make_table(
        "ways",
        {"skeleton": store_arrays(folder / "skeleton.npy", clips)},
        columns={
            "action": ClassColumn(values=labels, space=symmetric("ways", ("right", "left", "up")))
        },
        layouts={"skeleton": "penn-13"},
        subject=[str(1 + i // 8) for i in range(24)],
        row_names=[f"clip{i}" for i in range(24)],
    )
    save_table(table, folder)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    _write_poses(folder / "poses")
    data = [{"dataset": {"kind": "prepared", "folder": str(folder / "poses")}, "batch_size": 8}]
    (folder / "ways.yaml").write_text(yaml.safe_dump({"data": data, **RECIPE}))
    changes = {
        "joint": (),
        "bone-motion": ("network.encoder.stream=bone-motion",),
        "other": ("split.test.subject=[1]",),
    }
    for name, more in changes.items():
        result = run("train", folder / "ways.yaml", *more, "--out", folder / name, "--quiet")
        assert result.exit_code == 0, result.output
    return folder


def test_runs_alone_and_together(trained):
    joint, motion = trained / "joint", trained / "bone-motion"
    found = evaluated(joint, "--fuse", motion)
    figures = found["figures"]["action"]
    assert list(figures) == [str(joint), str(motion), "fused"]
    assert figures[str(joint)] == evaluated(joint)["action"]
    assert figures[str(motion)] == pytest.approx(evaluated(motion)["action"])
    assert found["weights"]["action"] == {str(joint): 0.5, str(motion): 0.5}
    assert figures["fused"]["top1"] is not None


def test_weights(trained):
    joint, motion = trained / "joint", trained / "bone-motion"
    only = evaluated(joint, "--fuse", motion, "--fuse-weights", "1,0")["figures"]["action"]
    assert only["fused"] == pytest.approx(only[str(joint)], abs=1e-6)
    stated = evaluated(joint, "--fuse", motion, "--fuse-weights", "3,1")["weights"]["action"]
    assert list(stated.values()) == [0.75, 0.25]
    chosen = evaluated(joint, "--fuse", motion, "--fuse-weights", "validation")["weights"]
    assert sum(chosen["action"].values()) == pytest.approx(1)
    # Chosen on validation rows, whichever rows are measured.
    also = evaluated(
        joint, "--fuse", motion, "--fuse-weights", "validation", "--split", "validation"
    )
    assert also["weights"] == chosen


def test_a_table_for_people(trained):
    result = run("evaluate", trained / "joint", "--fuse", trained / "bone-motion")
    assert result.exit_code == 0, result.output
    assert "weight" in result.output
    assert "fused" in result.output
    result = run("evaluate", trained / "joint", "--fuse", trained / "bone-motion", "--by", "action")
    assert result.exit_code == 0, result.output
    assert "mean of groups" in result.output


def test_tables_are_read_once_for_each_run(trained, monkeypatch):
    read = []
    build = onebody.training.build_sources
    monkeypatch.setattr(
        onebody.training, "build_sources", lambda recipe: (read.append(recipe), build(recipe))[1]
    )
    evaluated(trained / "joint", "--fuse", trained / "bone-motion", "--fuse-weights", "validation")
    assert len(read) == 2


def test_without_validation_rows_no_weights_are_chosen(trained, monkeypatch):
    monkeypatch.chdir(trained)
    for name in ("whole", "again"):
        result = run("train", "ways.yaml", "split.validation=null", "--out", name, "--quiet")
        assert result.exit_code == 0, result.output
    result = run("evaluate", "whole", "--fuse", "again", "--fuse-weights", "validation")
    assert result.exit_code == 2
    assert "whole: no validation rows to choose weights on. Take" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fuse", "other"), "expected the 8 train rows"),
        (("--fuse", "joint"), "expected different runs"),
        (("--fuse", "none"), "expected a run's folder"),
        (("--fuse", "bone-motion", "--fuse-weights", "1"), "2 numbers of 0 or more"),
        (("--fuse", "bone-motion", "--fuse-weights", "best"), "found 'best'"),
        (("--fuse", "bone-motion", "--fuse-weights", "1e308,1e308"), "2 numbers of 0 or more"),
        (("--fuse", "bone-motion", "--outputs"), "Leave out --outputs"),
        (("--fuse", "bone-motion", "--boxes", "none"), "Leave out --boxes"),
        (("--fuse", "bone-motion", "--stress"), "Leave out --stress"),
        (("--fuse-weights", "1,1"), "only with --fuse"),
    ],
)
def test_what_cannot_be_fused_is_explained(trained, arguments, message, monkeypatch):
    monkeypatch.chdir(trained)
    result = run("evaluate", "joint", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
