"""SPNet (Luvizon, Picard, Tabia, 2020): pose and action by pyramids in series."""

from onebody.models.spnet.config import PRESETS, SPNetConfig
from onebody.models.spnet.keras import load_keras, read_keras
from onebody.models.spnet.network import SPNet, SPNetOutput

__all__ = ["PRESETS", "SPNet", "SPNetConfig", "SPNetOutput", "load_keras", "read_keras"]
