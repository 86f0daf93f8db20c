"""SPNet (Luvizon, Picard, Tabia, 2020): pose and action by pyramids in series."""

from onebody.models.spnet.config import PRESETS, SPNetConfig
from onebody.models.spnet.fused import fuse
from onebody.models.spnet.keras import load_keras, read_keras
from onebody.models.spnet.network import SPNet, SPNetOutput
from onebody.models.spnet.store import load_spnet, save_spnet

__all__ = [
    "PRESETS",
    "SPNet",
    "SPNetConfig",
    "SPNetOutput",
    "fuse",
    "load_keras",
    "load_spnet",
    "read_keras",
    "save_spnet",
]
