"""Figures are shown with their units."""

from __future__ import annotations

import pytest

from onebody.cli.tables import figure_lines, metric_units, show


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9312, "%", "93.1 %"),
        (41.26, "mm", "41.3 mm"),
        (0.5, "", "0.500"),
        (None, "%", "-"),
        (float("nan"), "mm", "-"),
    ],
)
def test_show(value, unit, text):
    assert show(value, unit) == text


def test_lines_stand_in_columns():
    lines = figure_lines(
        {"action": {"top1": 0.5}, "pose": {"mpjpe": 123.44}}, {"top1": "%", "mpjpe": "mm"}
    )
    assert lines == ["action  top1     50.0 %", "pose    mpjpe  123.4 mm"]


def test_notes_stand_beside_a_tasks_first_figure():
    figures = {"action": {"top1": 0.5, "ece": 0.1}, "pose": {"mpjpe": 123.44}}
    lines = figure_lines(figures, {"top1": "%"}, {"action": "majority 20.0 %"})
    assert lines[0] == "action  top1    50.0 %  (majority 20.0 %)"
    assert "majority" not in "".join(lines[1:])


def test_units_of_metrics_are_known():
    units = metric_units()
    assert units["top1"] == "%"
    assert units["mpjpe"] == "mm"
