import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.config import read_config
from onebody.training.schedule import ScheduleConfig, rate_factor


def test_warmup_rises_and_cosine_falls_to_the_floor():
    config = ScheduleConfig(steps=100, warmup=0.1, floor=0.2)
    factors = [rate_factor(step, 100, config) for step in range(100)]
    assert factors[0] == pytest.approx(1 / 11)
    assert all(a < b for a, b in pairwise(factors[:11]))
    assert factors[10] == 1.0
    assert all(a > b for a, b in pairwise(factors[10:]))
    # Halfway down the cosine is the mean of both ends.
    assert factors[55] == pytest.approx(0.6)
    assert 0.2 < factors[99] < 0.202


def test_first_step_always_learns():
    assert rate_factor(0, 1, ScheduleConfig(steps=1, warmup=0.99)) > 0
    assert rate_factor(0, 10, ScheduleConfig(steps=10, warmup=0.0)) == 1.0


def test_floor_of_one_is_constant_after_warmup():
    config = ScheduleConfig(epochs=1, warmup=0.0, floor=1.0)
    assert {rate_factor(step, 50, config) for step in range(50)} == {1.0}


def test_cosine_reference():
    # torch.optim.lr_scheduler.CosineAnnealingLR: eta = (1 + cos(pi t / T_max)) / 2
    config = ScheduleConfig(steps=40, warmup=0.0)
    for step in range(40):
        expected = (1 + math.cos(math.pi * step / 40)) / 2
        assert rate_factor(step, 40, config) == pytest.approx(expected)


@given(st.integers(1, 500), st.floats(0, 0.99), st.floats(0, 1), st.data())
def test_factor_is_a_share(total, warmup, floor, data):
    config = ScheduleConfig(steps=total, warmup=warmup, floor=floor)
    step = data.draw(st.integers(0, total - 1))
    assert 0 < rate_factor(step, total, config) <= 1


def test_length_is_epochs_or_steps():
    assert ScheduleConfig(epochs=3).total_steps(7) == 21
    assert ScheduleConfig(steps=5).total_steps(7) == 5
    for values in ({}, {"epochs": 1, "steps": 1}):
        with pytest.raises(ValueError, match="either 'epochs' or 'steps'"):
            read_config(ScheduleConfig, values, "here")
