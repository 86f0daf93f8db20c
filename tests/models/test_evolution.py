import pytest
import torch

from onebody.models.evolution import draw, evolve, utilities


def test_utilities_are_linear_in_the_rank() -> None:
    assert utilities(torch.tensor([3.0, 1.0, 2.0, 9.0, 4.0])).tolist() == [
        0.0,
        1.0,
        0.5,
        -1.0,
        -0.5,
    ]
    assert utilities(torch.tensor([5.0, 700.0])).tolist() == [1.0, -1.0]


def test_equal_losses_pull_in_no_direction() -> None:
    assert utilities(torch.tensor([2.0, 2.0, 2.0])).tolist() == [0.0, 0.0, 0.0]
    assert utilities(torch.tensor([1.0, 2.0, 2.0])).tolist() == [1.0, -0.5, -0.5]


def test_a_step_is_the_formula_by_hand() -> None:
    table = torch.tensor([[[0.5, 0.5], [0.2, 0.8]]])  # one stage, two tasks, two modules
    choices = torch.tensor([[[0, 1]], [[1, 1]], [[0, 0]]])
    losses = torch.tensor([1.0, 3.0, 2.0])  # utilities 1, -1, 0
    moved = evolve(table, choices, losses, rate=0.3, smallest=0.001)
    # first task: (1 * (1 - 0.5) - 1 * (0 - 0.5)) / 3 = 1/3 for module 0, -1/3 for module 1
    # second task: module 1 by the best and the worst draw: nothing
    expected = torch.tensor([[[0.5 + 0.1, 0.5 - 0.1], [0.2, 0.8]]])
    torch.testing.assert_close(moved, expected)


def test_no_probability_is_given_up() -> None:
    table = torch.tensor([[0.002, 0.998]])
    moved = evolve(
        table, torch.tensor([[1], [0]]), torch.tensor([0.0, 1.0]), rate=0.5, smallest=0.001
    )
    # (1 * (0 - 0.002) - 1 * (1 - 0.002)) / 2 = -0.5, so that 0.002 - 0.25 is clamped
    torch.testing.assert_close(moved, torch.tensor([[0.001, 1.248]]) / 1.249)


def test_draws_follow_the_table_and_the_generator() -> None:
    table = torch.tensor([[[0.0, 1.0, 0.0], [0.25, 0.0, 0.75]]])
    torch.manual_seed(0)
    drawn = torch.stack([draw(table) for _ in range(400)])
    assert drawn.shape == (400, 1, 2)
    assert set(drawn[:, 0, 0].tolist()) == {1}
    assert float((drawn[:, 0, 1] == 2).float().mean()) == pytest.approx(0.75, abs=0.06)
    torch.manual_seed(0)
    assert torch.equal(draw(table), drawn[0])


def test_the_better_choices_win() -> None:
    """Two tasks want other modules at the first of two places; at the second it does not matter."""
    torch.manual_seed(0)
    table = torch.full((2, 2, 3), 1 / 3)
    cost = torch.tensor([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])  # [task, module] at the first place
    for _ in range(400):
        choices = torch.stack([draw(table) for _ in range(4)])
        losses = cost[torch.arange(2), choices[:, 0]].sum(1)
        table = evolve(table, choices, losses, rate=0.1, smallest=0.001)
    assert table[0].argmax(1).tolist() == [0, 2]
    assert float(table[0].max(1).values.min()) > 0.95
    torch.testing.assert_close(table.sum(2), torch.ones(2, 2))
