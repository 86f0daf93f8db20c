"""Datasets: a reader per format, each a config and a builder of a `SampleTable`."""

from onebody.config import Factory
from onebody.data import SampleTable
from onebody.datasets.coco_keypoints import CocoKeypointsConfig, read_coco_keypoints
from onebody.datasets.hmdb51 import Hmdb51Config, read_hmdb51
from onebody.datasets.human36m import Human36mConfig, read_human36m
from onebody.datasets.jester import JesterConfig, read_jester
from onebody.datasets.jhmdb import JhmdbConfig, read_jhmdb
from onebody.datasets.kinetics import KineticsConfig, read_kinetics
from onebody.datasets.mmaction2 import Mmaction2Config, read_mmaction2
from onebody.datasets.motionsense import MotionSenseConfig, read_motionsense
from onebody.datasets.mpii import MpiiConfig, read_mpii
from onebody.datasets.msr_action3d import MsrAction3dConfig, read_msr_action3d
from onebody.datasets.ntu import NtuConfig, read_ntu
from onebody.datasets.own import OwnConfig, build_own
from onebody.datasets.penn_action import PennActionConfig, read_penn_action
from onebody.datasets.prepared import PreparedConfig, read_prepared
from onebody.datasets.realworld import RealWorldConfig, read_realworld
from onebody.datasets.simulated import SimulatedConfig, build_simulated
from onebody.datasets.ucf101 import Ucf101Config, read_ucf101
from onebody.datasets.uci_har import UciHarConfig, read_uci_har
from onebody.datasets.umafall import UmafallConfig, read_umafall
from onebody.datasets.utd_mhad import UtdMhadConfig, read_utd_mhad

DATASETS: dict[str, Factory[SampleTable]] = {
    "coco-keypoints": Factory(
        config=CocoKeypointsConfig,
        build=read_coco_keypoints,
        summary="COCO keypoints and files of that form: people in pictures, boxes, 2D joints",
    ),
    "hmdb51": Factory(
        config=Hmdb51Config,
        build=read_hmdb51,
        summary="HMDB51: videos of 51 actions, three official splits",
    ),
    "human36m": Factory(
        config=Human36mConfig,
        build=read_human36m,
        summary="Human3.6M: 15 actions before four cameras, 2D and 3D joints, stills or clips",
    ),
    "jester": Factory(
        config=JesterConfig,
        build=read_jester,
        summary="Jester: 27 hand gestures before webcams, folders of pictures",
    ),
    "jhmdb": Factory(
        config=JhmdbConfig,
        build=read_jhmdb,
        summary="JHMDB: clips of 21 actions with 15 joints and body masks, three official splits",
    ),
    "kinetics": Factory(
        config=KineticsConfig,
        build=read_kinetics,
        summary="Kinetics-400, -600, -700: ten-second web videos, official CSV lists",
    ),
    "mmaction2": Factory(
        config=Mmaction2Config,
        build=read_mmaction2,
        summary="MMAction2 list files: videos, or folders of numbered pictures",
    ),
    "motionsense": Factory(
        config=MotionSenseConfig,
        build=read_motionsense,
        summary="MotionSense: 6 activities, 24 people, a telephone in the trouser pocket",
    ),
    "mpii": Factory(
        config=MpiiConfig,
        build=read_mpii,
        summary="MPII: people in pictures, 16 joints, boxes, heads, activities; .mat or JSON",
    ),
    "msr-action3d": Factory(
        config=MsrAction3dConfig,
        build=read_msr_action3d,
        summary="MSR Action3D: Kinect skeletons of 20 actions and gestures",
    ),
    "ntu": Factory(
        config=NtuConfig,
        build=read_ntu,
        summary="NTU RGB+D 60 and 120: Kinect skeletons and videos of 60 or 120 actions",
    ),
    "own": Factory(
        config=OwnConfig,
        build=build_own,
        summary="own data: a CSV or JSONL manifest, one row a sample",
    ),
    "penn-action": Factory(
        config=PennActionConfig,
        build=read_penn_action,
        summary="Penn Action: web videos of 15 actions with 13 joints in every frame",
    ),
    "prepared": Factory(
        config=PreparedConfig,
        build=read_prepared,
        summary="a prepared folder, as import-poses and extract write it",
    ),
    "realworld": Factory(
        config=RealWorldConfig,
        build=read_realworld,
        summary="RealWorld HAR: 8 activities, 15 people, inertial sensors at 7 positions",
    ),
    "simulated": Factory(
        config=SimulatedConfig,
        build=build_simulated,
        summary="simulated people: actions, gestures, 2D and 3D joints; rgb, depth, silhouette",
    ),
    "ucf101": Factory(
        config=Ucf101Config,
        build=read_ucf101,
        summary="UCF101: videos of 101 actions, three official splits",
    ),
    "uci-har": Factory(
        config=UciHarConfig,
        build=read_uci_har,
        summary="UCI-HAR: 6 activities, 30 people, a telephone at the waist, official split",
    ),
    "umafall": Factory(
        config=UmafallConfig,
        build=read_umafall,
        summary="UMAFall: 15 movements and falls, inertial sensors at 5 positions",
    ),
    "utd-mhad": Factory(
        config=UtdMhadConfig,
        build=read_utd_mhad,
        summary="UTD-MHAD: depth video of 27 actions and gestures with Kinect joints",
    ),
}
"""All datasets by kind; a builder is called as ``build(config)``."""

__all__ = ["DATASETS"]
