"""The lists of replaceable model parts; the package's ``__init__`` fills them.

They live apart from it so that a network's config can name them before they are full.
"""

from __future__ import annotations

from onebody.config import Factory
from onebody.models.base import Encoder, Head, Network, Sharing

ENCODERS: dict[str, Factory[Encoder]] = {}
"""Built with ``inputs``: the `InputShape` of each modality that the network is given."""

SHARINGS: dict[str, Factory[Sharing]] = {}
"""Built with ``make_encoder`` (no arguments; every call makes a new copy) and ``tasks`` (names)."""

HEADS: dict[str, Factory[Head]] = {}
"""Built with ``task`` and ``info`` (the stages as the sharing shows them)."""

NETWORKS: dict[str, Factory[Network]] = {}
"""Built with ``tasks`` (by name) and ``inputs``."""
