"""SPNet's weights as one safetensors file that says itself what network they are of."""

from __future__ import annotations

import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from onebody.config import read_config
from onebody.models.spnet.config import SPNetConfig
from onebody.models.spnet.network import SPNet

_KEY = "spnet"


def save_spnet(network: SPNet, path: Path) -> None:
    """Write a network; a file that is there is replaced whole.

    Raises:
        ValueError: if the file cannot be written.
    """
    if path.is_dir():
        raise ValueError(f"{path}: expected a file to write weights to, found a folder.")
    arrays = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    fresh = path.with_name(f"{path.name}.part")
    try:
        save_file(arrays, fresh, metadata={_KEY: network.config.model_dump_json()})
    except SafetensorError as error:
        raise ValueError(
            f"{path}: the weights cannot be written: {error}. Name another folder."
        ) from None
    os.replace(fresh, path)


def load_spnet(path: Path | str) -> SPNet:
    """Read what `save_spnet` wrote.

    Returns:
        The network in evaluation mode.

    Raises:
        ValueError: if the file cannot be read, says no configuration, or does not fit it.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: expected weights (safetensors), found no file.")
    try:
        with safe_open(path, "pt") as file:
            about = (file.metadata() or {}).get(_KEY)
        arrays = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: expected weights (safetensors): {error}.") from None
    if about is None:
        raise ValueError(
            f"{path}: expected weights that 'onebody convert spnet' wrote, found others."
        )
    try:
        network = SPNet(read_config(SPNetConfig, json.loads(about), str(path)))
        network.load_state_dict(arrays)
    except (json.JSONDecodeError, RuntimeError) as error:
        raise ValueError(f"{path}: its weights do not fit its configuration: {error}") from None
    return network.eval()
