"""Balancing: how much each task's loss weighs in a step.

Summaries end with what a method works from: loss values cost nothing; gradients cost a part of the
backward per task, by ``gradient.source`` (see `onebody.training.gradients`).
"""

from onebody.balancing.base import Balancer
from onebody.balancing.cagrad import CAGradConfig, build_cagrad
from onebody.balancing.dwa import DWAConfig, build_dwa
from onebody.balancing.famo import FAMOConfig, build_famo
from onebody.balancing.fixed import AverageConfig, FixedConfig, build_average, build_fixed
from onebody.balancing.gls import GLSConfig, build_gls
from onebody.balancing.gradnorm import GradNormConfig, build_gradnorm
from onebody.balancing.gradvac import GradVacConfig, build_gradvac
from onebody.balancing.learned import (
    AutomaticConfig,
    IMTLLConfig,
    UncertaintyConfig,
    build_automatic,
    build_imtl_l,
    build_uncertainty,
)
from onebody.balancing.rlw import RLWConfig, build_rlw
from onebody.balancing.torchjd_weightings import (
    AlignedMTLConfig,
    IMTLGConfig,
    MGDAConfig,
    PCGradConfig,
    UPGradConfig,
    build_aligned_mtl,
    build_imtl_g,
    build_mgda,
    build_pcgrad,
    build_upgrad,
)
from onebody.config import Factory

BALANCERS: dict[str, Factory[Balancer]] = {
    "average": Factory(
        config=AverageConfig,
        build=build_average,
        summary="every task weighs 1 (the baseline); from loss values",
    ),
    "fixed": Factory(
        config=FixedConfig, build=build_fixed, summary="weights chosen by hand; from loss values"
    ),
    "dwa": Factory(
        config=DWAConfig,
        build=build_dwa,
        summary="more for losses that fall slowly (Liu et al. 2019); from loss values",
    ),
    "automatic": Factory(
        config=AutomaticConfig,
        build=build_automatic,
        summary="learned, never negative (Liebel and Koerner 2018); from loss values",
    ),
    "uncertainty": Factory(
        config=UncertaintyConfig,
        build=build_uncertainty,
        summary="learned task uncertainty (Kendall et al. 2018); from loss values",
    ),
    "imtl-l": Factory(
        config=IMTLLConfig,
        build=build_imtl_l,
        summary="learned, all weighted losses near 1 (Liu et al. 2021); from loss values",
    ),
    "rlw": Factory(
        config=RLWConfig,
        build=build_rlw,
        summary="random at every step (Lin et al. 2022); from loss values",
    ),
    "gls": Factory(
        config=GLSConfig,
        build=build_gls,
        summary="geometric mean of losses (Chennupati et al. 2019); from loss values",
    ),
    "famo": Factory(
        config=FAMOConfig,
        build=build_famo,
        summary="all losses fall at one rate (Liu et al. 2023); from loss values",
    ),
    "gradnorm": Factory(
        config=GradNormConfig,
        build=build_gradnorm,
        summary="gradients of similar size (Chen et al. 2018); from gradients",
    ),
    "pcgrad": Factory(
        config=PCGradConfig,
        build=build_pcgrad,
        summary="conflicting parts projected away (Yu et al. 2020); from gradients",
    ),
    "mgda": Factory(
        config=MGDAConfig,
        build=build_mgda,
        summary="shortest mix of gradients (Sener and Koltun 2018); from gradients",
    ),
    "upgrad": Factory(
        config=UPGradConfig,
        build=build_upgrad,
        summary="no loss rises, to first order (Quinton and Rey 2024); from gradients",
    ),
    "aligned-mtl": Factory(
        config=AlignedMTLConfig,
        build=build_aligned_mtl,
        summary="principal components made equal (Senushkin et al. 2023); from gradients",
    ),
    "imtl-g": Factory(
        config=IMTLGConfig,
        build=build_imtl_g,
        summary="equal projection on all gradients (Liu et al. 2021); from gradients",
    ),
    "gradvac": Factory(
        config=GradVacConfig,
        build=build_gradvac,
        summary="gradients agree as they usually do (Wang et al. 2021); from gradients",
    ),
    "cagrad": Factory(
        config=CAGradConfig,
        build=build_cagrad,
        summary="best for the worst task, near the mean (Liu et al. 2021); from gradients",
    ),
}
"""Built with ``tasks`` (the names of the recipe's tasks; may be left out, and with it a check)."""

__all__ = ["BALANCERS", "Balancer"]
