"""Every output of networks that the authors' own code ran."""

import json

import numpy as np
import pytest
import torch

from onebody.models.spnet import SPNetConfig, load_keras

OTHER_KEYS = {
    "input_shape",
    "predict_rootz",
    "dbg_decoupled_pose",
    "dbg_decoupled_h",
    "xmin",
    "ymin",
}
"""What the authors' configuration says besides: the input's shape, and switches for debugging."""


@pytest.mark.parametrize("name", ["penn2d_small", "ntu3d_small"])
@pytest.mark.parametrize("truncate", [0, 4])
def test_outputs_are_those_of_the_authors_code(shared, name, truncate):
    folder = shared / "fixtures" / "spnet"
    about = json.loads((folder / f"{name}.json").read_text())
    kept = {key: value for key, value in about["config"].items() if key not in OTHER_KEYS}
    network = load_keras(folder / f"{name}.h5", SPNetConfig(**kept, truncate=truncate))
    arrays = np.load(folder / f"{name}.npz")
    clip = torch.from_numpy(arrays["x"].astype(np.float32) / 127).permute(0, 4, 1, 2, 3)
    with torch.no_grad():
        found = network(clip)
    expected = [torch.from_numpy(arrays[f"out{n:02d}"]) for n in range(12)]
    count = truncate or 6
    assert len(found.poses) == len(found.actions) == count
    for pose, truth in zip(found.poses, expected[:count], strict=True):
        torch.testing.assert_close(pose, truth, atol=1e-4, rtol=0)
    for [scores], truth in zip(found.actions, expected[6 : 6 + count], strict=True):
        torch.testing.assert_close(scores, truth, atol=1e-4, rtol=0)
