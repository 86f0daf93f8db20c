from collections import Counter

import numpy as np
import pytest

from onebody.data.mix import Deck, Mix, steps_per_epoch


def deck(size=10, number=0, seed=0):
    return Deck(groups=(np.arange(size),), seed=seed, number=number)


def mix(mode="every", steps=6, shares=(1.0, 1.0), sizes=(10, 3), batch_sizes=(4, 2), seed=0):
    decks = tuple(deck(size, i, seed) for i, size in enumerate(sizes))
    return Mix(
        decks=decks, batch_sizes=batch_sizes, shares=shares, mode=mode, steps=steps, seed=seed
    )


def test_each_pass_has_every_row_once_and_its_own_order():
    rows, passes = deck().draw(0, 40)
    assert passes.tolist() == [i // 10 for i in range(40)]
    orders = rows.reshape(4, 10)
    assert all(sorted(order) == list(range(10)) for order in orders.tolist())
    assert len({tuple(order) for order in orders.tolist()}) == 4


def test_any_position_can_be_asked_for_at_once():
    rows, passes = deck().draw(0, 50)
    later_rows, later_passes = deck().draw(23, 9)
    assert (later_rows == rows[23:32]).all()
    assert (later_passes == passes[23:32]).all()


def test_orders_depend_on_seed_and_source():
    orders = {tuple(deck(30, number, seed).draw(0, 30)[0]) for seed in (0, 1) for number in (0, 1)}
    assert len(orders) == 4


def test_groups_take_turns():
    balanced = Deck(groups=(np.arange(100), np.array([7, 50])), seed=0, number=0)
    rows, passes = balanced.draw(0, 20)
    assert set(rows[1::2].tolist()) == {7, 50}
    assert len(set(rows[0::2].tolist())) == 10
    drawn = Counter(zip(rows.tolist(), passes.tolist(), strict=True))
    assert max(drawn.values()) == 1  # no two draws of a row share their augmentation


def test_every_step_holds_every_source_in_rotating_order():
    plan = mix()
    orders = [[part.source for part in plan.step(0, step)] for step in range(4)]
    assert orders == [[0, 1], [1, 0], [0, 1], [1, 0]]
    assert all(len(part.rows) == (4, 2)[part.source] for part in plan.step(0, 2))


def test_three_sources_rotate_on_through_epochs():
    plan = mix(sizes=(5, 5, 5), batch_sizes=(1, 1, 1), shares=(1, 1, 1), steps=4)
    firsts = [plan.step(e, s)[0].source for e in range(2) for s in range(4)]
    assert firsts == [0, 1, 2, 0, 1, 2, 0, 1]


def test_passes_go_on_over_the_end_of_an_epoch():
    plan = mix(steps=3)  # 12 draws of 10 rows an epoch
    rows = [
        part.rows
        for epoch in range(5)
        for step in range(3)
        for part in plan.step(epoch, step)
        if part.source == 0
    ]
    assert set(Counter(np.concatenate(rows).tolist()).values()) == {6}


def test_one_source_a_step_in_the_stated_ratio():
    plan = mix(mode="one", steps=40, shares=(3.0, 1.0))
    for epoch in range(3):
        sources = [plan.step(epoch, step)[0].source for step in range(40)]
        assert Counter(sources) == {0: 30, 1: 10}
        assert all(len(plan.step(epoch, step)) == 1 for step in range(40))
    assert sources != sorted(sources)


def test_one_source_a_step_still_goes_evenly_through_rows():
    plan = mix(mode="one", steps=10, shares=(1.0, 1.0), batch_sizes=(2, 3))
    parts = [plan.step(epoch, step)[0] for epoch in range(2) for step in range(10)]
    counts = Counter(np.concatenate([p.rows for p in parts if p.source == 0]).tolist())
    assert set(counts.values()) == {2}  # 20 draws of 10 rows


def test_largest_remainders_fill_the_epoch():
    plan = mix(mode="one", steps=10, shares=(1, 1, 1), sizes=(4, 4, 4), batch_sizes=(1, 1, 1))
    counts = Counter(plan.step(0, step)[0].source for step in range(10))
    assert sorted(counts.values()) == [3, 3, 4]


def test_a_source_that_is_never_drawn_is_refused():
    with pytest.raises(ValueError, match="Source 1 would never be drawn"):
        mix(mode="one", steps=5, shares=(100.0, 1.0))


def test_epochs_follow_the_longest_source_or_all_rows():
    assert steps_per_epoch([10, 3], [4, 2], "every") == 3
    assert steps_per_epoch([10, 30], [4, 2], "every") == 15
    assert steps_per_epoch([10, 3], [4, 2], "one") == 5
