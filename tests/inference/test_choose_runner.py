import pytest

from onebody.inference.choose_runner import (
    Trial,
    Walk,
    choose_runner,
    fastest,
    try_runners,
)
from onebody.inference.step import eager_step
from onebody.inference.step_check import Difference
from step_networks import noise, step_network


def trial(name, speed, error):
    class Named:
        precision = "fp32"

    Named.name = name
    gap = Difference(raw=2 * error, shown=error)
    zero = Difference(raw=0.0, shown=0.0)
    return Trial(runner=Named(), frames_per_s=speed, differences={"a": zero, "b": gap})


def test_the_fastest_within_the_bound_wins():
    trials = [trial("eager", 10, 0.0), trial("fast", 30, 0.02), trial("wild", 90, 0.5)]
    assert fastest(trials, 0.02).runner.name == "fast"
    assert fastest(trials, 0.01).runner.name == "eager"
    assert fastest(trials, 1.0).runner.name == "wild"
    assert fastest([trial("eager", 10, 0.0), trial("broken", 99, float("inf"))], 1e9).error == 0


def test_trials_are_measured_over_all_frames():
    saved = step_network()
    exact, rough = eager_step(saved), eager_step(saved, "bf16")
    first, second = try_runners([exact, rough], noise(4), saved, rounds=1)
    assert first.error == 0.0
    assert 0 < second.error < 0.1
    assert first.frames_per_s > 0


def test_a_walk_goes_round_with_its_state():
    class Counting:
        seen: list = []  # noqa: RUF012

        def step(self, frame, state):
            self.seen.append((frame, state))
            return {}, [len(self.seen)]

    walk = Walk(Counting(), ["a", "b"])
    for _ in range(3):
        walk()
    assert Counting.seen == [("a", None), ("b", [1]), ("a", [2])]


def test_what_cannot_be_chosen_from_is_refused():
    saved = step_network()
    assert choose_runner(saved, noise(2), 0.0, names=()).name == "eager"
    with pytest.raises(ValueError, match="Did you mean 'openvino'"):
        choose_runner(saved, noise(2), 0.1, names=("openvnio",))
    with pytest.raises(ValueError, match="found none"):
        choose_runner(saved, [], 0.1)
    with pytest.raises(ValueError, match="0 or more"):
        choose_runner(saved, noise(2), float("nan"))
