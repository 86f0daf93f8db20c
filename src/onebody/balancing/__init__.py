"""Balancing: how much each task's loss weighs in a step."""

from onebody.balancing.base import Balancer
from onebody.balancing.dwa import DWAConfig, build_dwa
from onebody.balancing.fixed import AverageConfig, FixedConfig, build_average, build_fixed
from onebody.balancing.learned import (
    AutomaticConfig,
    UncertaintyConfig,
    build_automatic,
    build_uncertainty,
)
from onebody.config import Factory

BALANCERS: dict[str, Factory[Balancer]] = {
    "average": Factory(
        config=AverageConfig, build=build_average, summary="every task weighs 1 (the baseline)"
    ),
    "fixed": Factory(config=FixedConfig, build=build_fixed, summary="weights chosen by hand"),
    "dwa": Factory(
        config=DWAConfig,
        build=build_dwa,
        summary="tasks whose loss falls slowly weigh more (Liu et al. 2019)",
    ),
    "automatic": Factory(
        config=AutomaticConfig,
        build=build_automatic,
        summary="learned, never negative (Liebel and Koerner 2018)",
    ),
    "uncertainty": Factory(
        config=UncertaintyConfig,
        build=build_uncertainty,
        summary="learned task uncertainty (Kendall et al. 2018)",
    ),
}
"""Built with ``tasks`` (the names of the recipe's tasks; may be left out, and with it a check)."""

__all__ = ["BALANCERS", "Balancer"]
