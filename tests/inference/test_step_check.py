from dataclasses import dataclass, field

import numpy as np
import pytest

from onebody.inference.step import eager_step
from onebody.inference.step_check import arguments_of, check_step, differences, walk
from step_networks import noise, step_network


@dataclass
class Shifted:
    """Answers as another runner does, but for one task from one step on."""

    runner: object
    task: str
    by: float
    after: int = 3
    name: str = "shifted"
    precision: str = "fp32"
    steps: int = field(default=0)

    def step(self, frame, state):
        outputs, state = self.runner.step(frame, state)
        self.steps += 1
        if self.steps > self.after:
            outputs[self.task] = outputs[self.task] + self.by
        return outputs, state


@pytest.fixture(scope="module")
def saved():
    return step_network()


def test_equal_answers_pass_and_say_how_much_pictures_change(saved):
    runner = eager_step(saved)
    check = check_step(runner, runner, noise(6), saved.network.tasks, 1e-4)
    assert check.faults == []
    assert check.frames == 6
    assert all(gap.raw == 0 for gap in check.differences.values())
    assert all(change > 1e-4 for change in check.changes.values())


def test_a_late_difference_is_found_and_named(saved):
    runner = eager_step(saved)
    check = check_step(Shifted(runner, "pose", 0.01), runner, noise(6), saved.network.tasks, 1e-3)
    (fault,) = check.faults
    assert fault.startswith("pose differs from torch by 1.0e-02")
    gone = Shifted(runner, "action", float("nan"))
    assert check_step(gone, runner, noise(6), saved.network.tasks, 1e-3).faults


def test_agreement_on_one_picture_says_nothing(saved):
    runner = eager_step(saved)
    check = check_step(runner, runner, noise(1) * 6, saved.network.tasks, 1e-4)
    assert len(check.faults) == 3
    assert "hardly varies over these 6 frames" in check.faults[0]
    with pytest.raises(ValueError, match="two frames or more"):
        check_step(runner, runner, noise(1), saved.network.tasks, 1e-4)


def test_differences_of_classes_are_shown_as_probabilities(saved):
    ours = [{"action": np.array([[[0.0, np.log(3), 0.0]]], np.float32)}]
    theirs = [{"action": np.zeros((1, 1, 3), np.float32)}]
    found = differences(ours, theirs, saved.network.tasks)["action"]
    assert found.raw == pytest.approx(np.log(3))
    assert found.shown == pytest.approx(3 / 5 - 1 / 3)
    same = differences([{"action": ours[0]["action"] + 7}], ours, saved.network.tasks)["action"]
    assert (same.raw, same.shown) == (pytest.approx(7, abs=1e-5), pytest.approx(0, abs=1e-6))


def test_arguments_are_those_of_a_walk(saved):
    runner = eager_step(saved)
    frames = noise(3)
    given = list(arguments_of(runner, runner.begin, frames))
    answers = walk(runner, frames)
    for (frame, *state), expected in zip(given, answers, strict=True):
        np.testing.assert_array_equal(runner.step(frame, state)[0]["pose"], expected["pose"])
    assert not any(part.any() for part in given[0][1:])
    assert all(part.any() for part in given[2][1:])
