"""Weight files in Keras' layout, written by the tests themselves."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from onebody.models.spnet import SPNet, SPNetConfig
from onebody.models.spnet.keras import keras_layers

SMALL = SPNetConfig(
    num_joints=5,
    dim=3,
    num_actions=(3, 2),
    num_pyramids=2,
    action_pyramids=(1, 2),
    num_levels=3,
    kernel_size=3,
    growth=8,
    image_div=4,
    pose_replica=True,
    num_pose_features=16,
    num_visual_features=16,
    stem_width=8,
)


def keras_arrays(network: SPNet) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Return a network's weights by Keras' layers and in its axes, as its authors name them."""
    state = network.state_dict()
    found = {}
    for name, slots in keras_layers(network):
        arrays = []
        for slot in slots:
            array = state[slot.place].numpy()
            if array.ndim == 4:
                # PyTorch keeps (out, in, height, width), Keras (height, width, in, out); depthwise
                # kernels are (channels, 1, height, width) and (height, width, channels, 1).
                axes = (2, 3, 0, 1) if slot.array == "depthwise_kernel" else (2, 3, 1, 0)
                array = array.transpose(axes)
            arrays.append((slot.array, array))
        found[name] = arrays
    return found


def soft_argmax_arrays(size: int, joints: int) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Return the two fixed layers of one soft-argmax."""
    across = np.broadcast_to(np.linspace(0, 1, size), (size, size))
    return {
        f"dp1_pb1_xy_{axis}": [
            ("depthwise_kernel", np.repeat(grid[:, :, None, None], joints, axis=2)),
            ("pointwise_kernel", np.eye(joints)[None, None]),
        ]
        for axis, grid in (("x", across), ("y", across.T))
    }


def write_keras(path: Path, arrays, *, chunks: int = 1, inner: str = "{layer}/{array}:0") -> Path:
    """Write layers as ``save_weights`` does; a long list of names in several attributes."""
    with h5py.File(path, "w") as file:
        names = [*[name.encode() for name in arrays], b"activation_1"]
        if chunks == 1:
            file.attrs["layer_names"] = names
        else:
            for number, part in enumerate(np.array_split(np.array(names), chunks)):
                file.attrs[f"layer_names{number}"] = part
        file.create_group("activation_1").attrs["weight_names"] = []
        for layer, own in arrays.items():
            group = file.create_group(layer)
            texts = [inner.format(layer=layer, array=array) for array, _ in own]
            group.attrs["weight_names"] = [text.encode() for text in texts]
            for text, (_, value) in zip(texts, own, strict=True):
                group[text] = value
    return path
