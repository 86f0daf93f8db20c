import pytest

from onebody.models import SHARINGS, sharing_costs


@pytest.fixture(scope="module")
def costs():
    return sharing_costs()


def test_every_way_of_sharing_is_measured_against_hard_sharing(costs) -> None:
    assert list(costs) == list(SHARINGS)
    assert (costs["hard"].one, costs["hard"].all, costs["hard"].parameters) == (1.0, 1.0, 1.0)
    assert all(cost.one >= 1.0 and cost.parameters >= 1.0 for cost in costs.values())


def test_a_trunk_per_task_costs_the_same_whatever_is_asked(costs) -> None:
    """All trunks run before the last exchange, which is nearly everything."""
    for kind in ("cross-stitch", "nddr"):
        assert costs[kind].one == pytest.approx(costs[kind].all, rel=0.01)
        assert costs[kind].one > 2.9
        assert costs[kind].parameters > 3.0
    assert costs["nddr"].all > costs["cross-stitch"].all


def test_masks_and_routes_cost_what_is_asked(costs) -> None:
    assert 1.0 < costs["mtan"].one < 1.2
    assert costs["mtan"].all - 1 == pytest.approx(3 * (costs["mtan"].one - 1), rel=0.02)
    assert costs["learned"].one == 1.0
    assert 2.0 < costs["learned"].all < 3.0  # all but the stem


def test_all_experts_run_for_one_task(costs) -> None:
    assert costs["mmoe"].one == pytest.approx(costs["mmoe"].all, rel=0.01)
    assert costs["mmoe"].all == pytest.approx(costs["learned"].all, rel=0.01)


def test_some_ways_may_be_chosen() -> None:
    assert list(sharing_costs(["mtan"])) == ["mtan"]
