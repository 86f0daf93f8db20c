"""Test figures by subject: over several tables, over folds, and kept whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from onebody.data import ClassColumn, InputSpec, SampleTable, Source, make_table
from onebody.labels import LabelSpace
from onebody.models import MultiTaskConfig, build_network, input_shapes
from onebody.models.light import LightConfig
from onebody.studies.figures import figures_of
from onebody.studies.measure import EVERYONE, FILE, Measured, measure
from onebody.studies.runs import Run
from onebody.tasks import ClassificationConfig, build_tasks
from onebody.training.recipe import EvaluationConfig

SPEC = InputSpec(size=16, frames=2)
SMALL = LightConfig(
    stem=4, widths=(4,), blocks=(1,), strides=(2,), keypoints=0, temporal_width=4, dilations=()
)
SPACE = LabelSpace("kind", ("a", "b"))


def table(name: str, folder: Path, subjects: list[str], labels: list[int]) -> SampleTable:
    """Return clips, one of a subject each; the label 0 is measured as right."""
    path = folder / f"{name}.npy"
    np.save(path, np.zeros((2 * len(labels), 16, 16, 3), np.uint8))
    return make_table(
        name,
        {"rgb": [f"{path}#{2 * i}:{2 * i + 2}" for i in range(len(labels))]},
        columns={"kind": ClassColumn(values=np.array(labels), space=SPACE)},
        fps=np.full(len(labels), 25.0),
        subject=subjects,
    )


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Return what measures tables with a network that always answers with the first class."""
    tasks = build_tasks({"kind": ClassificationConfig(name="kind", classes=("a", "b"))})
    network = build_network(MultiTaskConfig(encoder=SMALL), tasks, input_shapes(SPEC))
    with torch.no_grad():
        for parameter in network.heads.parameters():
            parameter.zero_()
        list(network.heads.parameters())[-1][0] = 5.0

    def make(*tables: SampleTable) -> Measured:
        targets = (tasks["kind"].target_spec(tables[0]),)
        sources = [Source(table=one, spec=SPEC, targets=targets) for one in tables]

        stand_ins = {
            "load_recipe": SimpleNamespace(
                train=SimpleNamespace(bf16=False), evaluation=EvaluationConfig()
            ),
            "build_sources": SimpleNamespace(splits={"test": sources}),
            "load_network": SimpleNamespace(network=network, calibration={}),
        }
        for name, value in stand_ins.items():
            monkeypatch.setitem(measure.__globals__, name, lambda _, value=value: value)
        (tmp_path / FILE).unlink(missing_ok=True)
        return measure(tmp_path)

    return make


def test_a_subject_of_two_tables_is_measured_on_the_rows_of_both(measured, tmp_path):
    first = table("first", tmp_path, ["1", "1", "2"], [0, 0, 1])
    second = table("second", tmp_path, ["1", "3"], [1, 0])
    found = measured(first, second)
    top1 = {name: values["top1"] for name, values in found.figures["kind"].items()}
    assert top1 == {"1": pytest.approx(2 / 3), "2": 0.0, "3": 1.0}
    assert found.samples == {"kind": 5}
    assert found.confusion == {"kind": [[3, 0], [2, 0]]}


def test_rows_without_a_subject_are_called_alike_whatever_else_is_tested(measured, tmp_path):
    nobody = table("films", tmp_path, ["", ""], [0, 1])
    people = table("people", tmp_path, ["p", "q"], [0, 0])
    assert set(measured(nobody).figures["kind"]) == {EVERYONE}
    assert set(measured(nobody, people).figures["kind"]) == {EVERYONE, "p", "q"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "damaged, expected JSON"),
        ("[1]", "damaged, expected named values, found list"),
        ('{"figures": {}}', "differs in classes, confusion, samples"),
    ],
)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path, text, message):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match=rf"subjects\.json: .*{message}.* measured again"):
        measure(tmp_path)


def test_what_was_kept_is_read_again(measured, tmp_path):
    found = measured(table("one", tmp_path, ["p"], [0]))
    assert asdict(measure(tmp_path)) == asdict(found)


def run(fold: str, values: dict[str, float | None]) -> Run:
    """Return a measured run of one fold."""
    figures = {"kind": {name: {"top1": value} for name, value in values.items()}}
    own = Measured(figures=figures, confusion={}, classes={}, samples={})
    return Run(arm="joint", fold=fold, seed=0, summary=None, measured=own)


def test_a_subject_of_several_folds_is_one_subject():
    runs = [run("1of2", {"p": 0.2, EVERYONE: 0.5}), run("2of2", {"p": 0.6, EVERYONE: 0.7})]
    found = figures_of(runs, "joint", "kind", "top1")
    assert found == {
        ("p", 0): pytest.approx(0.4),
        ("1of2", 0): pytest.approx(0.5),
        ("2of2", 0): pytest.approx(0.7),
    }


def test_a_figure_that_could_not_be_measured_is_no_figure():
    runs = [run("", {"p": None, "q": 0.5})]
    assert figures_of(runs, "joint", "kind", "top1") == {("q", 0): 0.5}
    with pytest.raises(ValueError, match="could not be measured on any test subject of 'joint'"):
        figures_of([run("", {"p": None})], "joint", "kind", "top1")
