"""Networks: encoders, ways of sharing them, heads; building, starting weights, files, cost."""

from onebody.config import Factory
from onebody.models.base import (
    Ask,
    Encoder,
    Features,
    Head,
    Network,
    Outputs,
    Rows,
    Sharing,
    Stage,
    StageInfo,
    Stem,
    all_rows,
)
from onebody.models.blank import blank_state
from onebody.models.box_head import BoxHeadConfig, build_box_head
from onebody.models.build import (
    MultiTaskConfig,
    build_multitask,
    build_network,
)
from onebody.models.calibration import Calibration
from onebody.models.class_head import (
    ClassHeadConfig,
    FrameHeadConfig,
    build_class_head,
    build_frame_head,
)
from onebody.models.cost import Cost, blank_batch, network_cost
from onebody.models.cross_stitch import CrossStitchConfig, build_cross_stitch
from onebody.models.fusion import FusionConfig, build_fusion
from onebody.models.hard import HardConfig, build_hard
from onebody.models.hierarchy import HierarchyConfig, build_hierarchy
from onebody.models.init_weights import InitReport, initialize, load_pretrained
from onebody.models.inputs import InputShape, input_shapes
from onebody.models.joint_head import JointHeadConfig, build_joint_head
from onebody.models.jtm import JtmConfig, build_jtm
from onebody.models.late_head import LateHeadConfig, build_late_head
from onebody.models.learned import LearnedConfig, build_learned
from onebody.models.light import LightConfig, build_light
from onebody.models.mmoe import MmoeConfig, build_mmoe
from onebody.models.modes import evaluating
from onebody.models.mtan import MtanConfig, build_mtan
from onebody.models.multitask import MultiTask
from onebody.models.nddr import NddrConfig, build_nddr
from onebody.models.parts_head import PartsHeadConfig, build_parts_head
from onebody.models.point_head import PointHeadConfig, build_point_head
from onebody.models.points import PointsConfig, build_points
from onebody.models.recurrent import RecurrentConfig, build_recurrent
from onebody.models.registry import ENCODERS, HEADS, NETWORKS, SHARINGS
from onebody.models.resnet3d import ResNet3DConfig, build_resnet3d
from onebody.models.sensor_spectral import ImuSpectralConfig, build_imu_spectral
from onebody.models.sensor_tcn import TcnImuConfig, build_tcn_imu
from onebody.models.shared_private import SharedPrivateConfig, build_shared_private
from onebody.models.sharing_cost import SharingCost, sharing_costs
from onebody.models.skeleton import SkeletonConfig, build_skeleton
from onebody.models.skeleton_transformer import (
    SkeletonTransformerConfig,
    build_skeleton_transformer,
)
from onebody.models.spnet.adapter import SPNetNetwork, SPNetNetworkConfig, build_spnet
from onebody.models.stgcn import StgcnConfig, build_stgcn
from onebody.models.store import (
    SavedNetwork,
    load_network,
    save_calibration,
    save_choice,
    save_network,
)
from onebody.models.stream import StreamConfig, build_stream
from onebody.models.two_stream import TwoStreamConfig, build_two_stream

ENCODERS["light"] = Factory(
    config=LightConfig,
    build=build_light,
    summary="small 2D trunk per frame, keypoint pooling, temporal convolutions; fit for a CPU",
)
ENCODERS["resnet3d"] = Factory(
    config=ResNet3DConfig,
    build=build_resnet3d,
    summary="3D ResNet 10, 18, 34 or 50; reads public Kinetics weights",
)
ENCODERS["points"] = Factory(
    config=PointsConfig,
    build=build_points,
    summary="small 2D trunk finds points in each frame; actions are read from their paths",
)
ENCODERS["stream"] = Factory(
    config=StreamConfig,
    build=build_stream,
    summary="poses and actions of a stream's every frame as it comes; sizes s, m, l",
)
ENCODERS["two-stream"] = Factory(
    config=TwoStreamConfig,
    build=build_two_stream,
    summary="a trunk of pictures and one of their differences, joined at a stated stage",
)
ENCODERS["recurrent"] = Factory(
    config=RecurrentConfig,
    build=build_recurrent,
    summary="LSTM or GRU over any trunk's frames, by default light's; runs on a stream",
)
ENCODERS["hierarchy"] = Factory(
    config=HierarchyConfig,
    build=build_hierarchy,
    summary="several time scales on any trunk, each made of those below, all side by side",
)
ENCODERS["skeleton"] = Factory(
    config=SkeletonConfig,
    build=build_skeleton,
    summary="joints, bones, motion and distances; dilated temporal convolutions; seconds on a CPU",
)
ENCODERS["stgcn"] = Factory(
    config=StgcnConfig,
    build=build_stgcn,
    summary="graph convolutions over joints, learned edges, branches in time (ST-GCN++, CTR-GCN)",
)
ENCODERS["skeleton-transformer"] = Factory(
    config=SkeletonTransformerConfig,
    build=build_skeleton_transformer,
    summary="attention over the joints of each frame, then over time, for clips of any length",
)
ENCODERS["jtm"] = Factory(
    config=JtmConfig,
    build=build_jtm,
    summary="joints' paths drawn as pictures of three planes, and a small 2D network for each",
)
ENCODERS["imu-spectral"] = Factory(
    config=ImuSpectralConfig,
    build=build_imu_spectral,
    summary="worn sensors: statistics of the readings beside a CNN on their spectrum",
)
ENCODERS["tcn-imu"] = Factory(
    config=TcnImuConfig,
    build=build_tcn_imu,
    summary="worn sensors: dilated temporal convolutions on raw readings; runs on a stream",
)
ENCODERS["fusion"] = Factory(
    config=FusionConfig,
    build=build_fusion,
    summary="several media, any may be missing: a branch each, joined early, by attention or late",
)
SHARINGS["hard"] = Factory(config=HardConfig, build=build_hard, summary="one encoder for all tasks")
SHARINGS["cross-stitch"] = Factory(
    config=CrossStitchConfig,
    build=build_cross_stitch,
    summary="a trunk per task; after each stage every trunk takes a bit of the others",
)
SHARINGS["nddr"] = Factory(
    config=NddrConfig,
    build=build_nddr,
    summary="a trunk per task; after each stage every trunk is made anew from all channels",
)
SHARINGS["mtan"] = Factory(
    config=MtanConfig,
    build=build_mtan,
    summary="one encoder; each task attends to its stages by masks of its own",
)
SHARINGS["learned"] = Factory(
    config=LearnedConfig,
    build=build_learned,
    summary="a pool of modules per stage; evolution learns which task takes which",
)
SHARINGS["mmoe"] = Factory(
    config=MmoeConfig,
    build=build_mmoe,
    summary="experts behind one stem; each task's gate says how much each counts",
)
SHARINGS["shared-private"] = Factory(
    config=SharedPrivateConfig,
    build=build_shared_private,
    summary="shared experts and a task's own behind one stem, mixed by its gate (CGC)",
)
HEADS["class"] = Factory(
    config=ClassHeadConfig, build=build_class_head, summary="one answer for a clip"
)
HEADS["frame"] = Factory(
    config=FrameHeadConfig, build=build_frame_head, summary="one answer for every frame"
)
HEADS["parts"] = Factory(
    config=PartsHeadConfig,
    build=build_parts_head,
    summary="an answer from each stream, time scale or plane, and one fused from all",
)
HEADS["late"] = Factory(
    config=LateHeadConfig,
    build=build_late_head,
    summary="an answer from each medium, and their mean over the media that are there",
)
HEADS["joints"] = Factory(
    config=JointHeadConfig,
    build=build_joint_head,
    summary="2D or 3D joints as the expectation of heat maps",
)
HEADS["box"] = Factory(
    config=BoxHeadConfig,
    build=build_box_head,
    summary="the person's box in every frame, from distances to its borders",
)
HEADS["points"] = Factory(
    config=PointHeadConfig,
    build=build_point_head,
    summary="joints read off an encoder's points, corrected over time",
)
NETWORKS["multitask"] = Factory(
    config=MultiTaskConfig,
    build=build_multitask,
    summary="encoder, sharing and a head per task",
)
NETWORKS["spnet"] = Factory(
    config=SPNetNetworkConfig,
    build=build_spnet,
    summary="pyramids in series, each level of which predicts pose and actions (TPAMI 2020)",
)

__all__ = [
    "Ask",
    "Encoder",
    "Features",
    "Head",
    "Network",
    "Outputs",
    "Rows",
    "Sharing",
    "Stage",
    "StageInfo",
    "Stem",
    "all_rows",
    "ENCODERS",
    "SHARINGS",
    "HEADS",
    "NETWORKS",
    "MultiTask",
    "MultiTaskConfig",
    "SPNetNetwork",
    "SPNetNetworkConfig",
    "build_network",
    "InputShape",
    "input_shapes",
    "SavedNetwork",
    "save_network",
    "save_calibration",
    "save_choice",
    "Calibration",
    "load_network",
    "InitReport",
    "initialize",
    "load_pretrained",
    "Cost",
    "blank_batch",
    "blank_state",
    "evaluating",
    "network_cost",
    "SharingCost",
    "sharing_costs",
]
