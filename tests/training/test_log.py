import json
import math

import pytest

from onebody.training.log import Display, RunLog, finite, read_log
from onebody.training.report import StepReport


def test_means_are_over_the_steps_that_had_the_task(tmp_path):
    log = RunLog(tmp_path / "log.jsonl", 0)
    log.step(StepReport(losses={"a": 1.0, "b": 4.0}, weights={"a": 1.0, "b": 1.0}, samples=8))
    log.step(StepReport(losses={"a": 3.0}, weights={"a": 2.0}, samples=8, gradient_norm=0.5))
    figures = log.write_steps(step=2, epoch=0, lr=0.1)
    (line,) = read_log(log.path)
    assert line["loss"] == {"a": 2.0, "b": 4.0}
    assert line["weight"] == {"a": 1.5, "b": 1.0}
    assert line["gradient_norm"] == 0.5
    assert line["samples_per_second"] == figures["samples_per_second"] > 0
    assert (line["step"], line["epoch"], line["lr"]) == (2, 0, 0.1)
    log.step(StepReport(samples=8))
    assert log.write_steps(step=3, epoch=0, lr=0.1)["loss"] == {}


def test_lines_after_the_checkpoint_are_dropped(tmp_path):
    path = tmp_path / "log.jsonl"
    log = RunLog(path, 0)
    for step in (2, 4, 6):
        log.write(step=step)
    with path.open("a") as file:
        file.write('{"step": 7, "lo')  # killed while writing
    RunLog(path, 4)
    assert [line["step"] for line in read_log(path)] == [2, 4]


def test_only_the_leading_process_writes(tmp_path):
    path = tmp_path / "log.jsonl"
    log = RunLog(path, 0, writes=False)
    log.write(step=1)
    assert not path.exists()


def test_no_number_becomes_null():
    values = {"a": math.nan, "b": [1.0, math.inf], "c": {"d": (2, "x")}}
    assert finite(values) == {"a": None, "b": [1.0, None], "c": {"d": [2, "x"]}}
    json.dumps(finite(values), allow_nan=False)


@pytest.mark.parametrize("shown", [True, False])
def test_display_shows_losses_or_nothing(capsys, shown):
    with Display(10, 3, shown=shown) as display:
        display.step(5, 0, {"pose": 0.25}, 120.0)
        display.note("a remark [not markup]")
    err = capsys.readouterr().err
    assert ("a remark [not markup]" in err) == shown
    assert ("pose 0.25" in err) == shown


@pytest.mark.parametrize("line", ["not json", '{"a": 1}', "[]"])
def test_a_line_that_is_none_of_a_log_is_named(tmp_path, line):
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{"step": 1}}\n{line}\n')
    with pytest.raises(ValueError, match=r"log\.jsonl:2: expected a JSON object with 'step'"):
        RunLog(path, 1)
    assert line in path.read_text()
