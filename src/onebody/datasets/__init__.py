"""Datasets: a reader per format, each a config and a builder of a `SampleTable`."""

from onebody.config import Factory
from onebody.data import SampleTable
from onebody.datasets.msr_action3d import MsrAction3dConfig, read_msr_action3d
from onebody.datasets.own import OwnConfig, build_own
from onebody.datasets.prepared import PreparedConfig, read_prepared
from onebody.datasets.simulated import SimulatedConfig, build_simulated
from onebody.datasets.utd_mhad import UtdMhadConfig, read_utd_mhad

DATASETS: dict[str, Factory[SampleTable]] = {
    "msr-action3d": Factory(
        config=MsrAction3dConfig,
        build=read_msr_action3d,
        summary="MSR Action3D: Kinect skeletons of 20 actions and gestures",
    ),
    "own": Factory(
        config=OwnConfig,
        build=build_own,
        summary="own data: a CSV or JSONL manifest, one row a sample",
    ),
    "prepared": Factory(
        config=PreparedConfig,
        build=read_prepared,
        summary="a prepared folder, as import-poses and extract write it",
    ),
    "simulated": Factory(
        config=SimulatedConfig,
        build=build_simulated,
        summary="simulated people: actions, gestures, 2D and 3D joints; rgb, depth, silhouette",
    ),
    "utd-mhad": Factory(
        config=UtdMhadConfig,
        build=read_utd_mhad,
        summary="UTD-MHAD: depth video of 27 actions and gestures with Kinect joints",
    ),
}
"""All datasets by kind; a builder is called as ``build(config)``."""

__all__ = ["DATASETS"]
