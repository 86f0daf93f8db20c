"""``onebody convert``: weights of others in a form that is read here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onebody.cli.errors import command_group

if TYPE_CHECKING:
    from onebody.models.spnet import SPNetConfig

_PICTURE = ("input_shape", "xmin", "ymin")
"""What the authors' configuration says of the picture, whose size is free here."""

_OFF = ("predict_rootz", "dbg_decoupled_pose", "dbg_decoupled_h")
"""Their switches of what is not made here; without a meaning where they are off."""

convert = command_group("Bring weights of others into a form that is read here.")


@convert.command("spnet")
def spnet(
    weights: Annotated[Path, typer.Argument(help="A file that Keras' save_weights wrote (HDF5).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The weights (safetensors).")],
    config: Annotated[
        str,
        typer.Option(help="spnet-penn, spnet-ntu, or a YAML or JSON file of constructor values."),
    ] = "spnet-penn",
) -> None:
    """Convert weights of SPNet that its authors' code saved."""
    from onebody.models.spnet import load_keras, load_spnet, save_spnet

    if out.suffix != ".safetensors":
        raise ValueError(f"--out: expected a file called .safetensors, found {str(out)!r}.")
    network = load_keras(weights, read_spnet_config(config))
    out.parent.mkdir(parents=True, exist_ok=True)
    save_spnet(network, out)
    load_spnet(out)
    parameters = sum(value.numel() for value in network.parameters())
    arrays = len(network.state_dict())
    typer.echo(f"{weights}: every array has its place, none is left over")
    typer.echo(f"{out}: {parameters:,} trainable parameters in {arrays} arrays")


def read_spnet_config(name: str) -> SPNetConfig:
    """Return a preset, or what a file says.

    Raises:
        ValueError: if there is neither, or the file's values are no configuration.
    """
    import yaml

    from onebody.config import nearest, read_config
    from onebody.models.spnet import PRESETS, SPNetConfig

    if name in PRESETS:
        return PRESETS[name]
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"--config {name!r} is no preset and no file. {nearest(name, PRESETS)}")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read as YAML or JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected names and values, found {type(values).__name__}.")
    return read_config(SPNetConfig, _own_values(values), str(path))


def _own_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return what decides about the weights of all that the authors' configuration has."""
    idle = {name for name in _OFF if values.get(name) is False}
    own = {name: v for name, v in values.items() if name not in idle and name not in _PICTURE}
    shape = values.get("input_shape")
    if isinstance(shape, list) and shape:  # [(T,) H, W, C]
        own.setdefault("in_channels", shape[-1])
    return own
