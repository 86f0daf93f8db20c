"""The network that comes with the package, so that nothing need be trained or downloaded first."""

from __future__ import annotations

from pathlib import Path

import onebody
from onebody.models import SavedNetwork, load_network

NAME = "stream-m"

FOLDER = Path(onebody.__file__).parent / "_weights" / NAME
"""Where it lies: the weights, their description and a model card."""


def load_default(folder: Path = FOLDER) -> SavedNetwork:
    """Return the network that comes with the package, on the CPU, ready to predict.

    Its notes say under ``demo`` what it must not be taken for.

    Raises:
        ValueError: if this copy of the package comes without it, or its files are damaged.
    """
    if not folder.is_dir():
        raise ValueError(
            f"{folder}: this copy of onebody comes without a network of its own. Train one "
            "(onebody train) and name its folder."
        )
    return load_network(folder)


def demo_notice(saved: SavedNetwork) -> str:
    """Return what has to be said wherever answers of a network are shown; empty: nothing."""
    notice = saved.notes.get("demo", "")
    return notice if isinstance(notice, str) else ""
