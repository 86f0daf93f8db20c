"""Pose networks whose answer is known: every joint lies where the picture is brightest."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime runs pose networks")
onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")
from onnx import TensorProto, helper  # noqa: E402

JOINTS = 13  # penn-13


def write_model(
    path: Path, kind: str, *, size=(48, 64), batch="N", last=False, extra=False, fixed=True
):
    """Write a network of one kind: heatmap, stride4, simcc, coordinates, fractions."""
    height, width = size
    nodes = []
    picture = "picture"
    if last:
        nodes.append(helper.make_node("Transpose", ["picture"], ["first"], perm=[0, 3, 1, 2]))
        picture = "first"
    nodes.append(helper.make_node("ReduceMean", [picture], ["grey"], axes=[1], keepdims=1))
    outputs = {
        "heatmap": _maps,
        "stride4": _maps,
        "simcc": _simcc,
        "coordinates": _coordinates,
        "fractions": _coordinates,
    }[kind](nodes, kind, size)
    if extra:
        nodes.append(helper.make_node("Identity", [outputs[0]], ["twin"]))
        outputs = [*outputs, "twin"]
    sides = [height, width] if fixed else ["h", "w"]
    shape = [batch, *sides, 3] if last else [batch, 3, *sides]
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        initializer=[
            helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("sides", TensorProto.FLOAT, [1, 1, 3], [width, height, 1.0]),
            helper.make_tensor("scales", TensorProto.FLOAT, [3], [1.0, 1.0, 2.0]),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="test"
    )
    onnx.save(model, str(path))
    return path


def _repeat(nodes, name, out):
    nodes.append(helper.make_node("Concat", [name] * JOINTS, [out], axis=1))
    return out


def _maps(nodes, kind, size):
    if kind == "stride4":
        nodes.append(
            helper.make_node("MaxPool", ["grey"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4])
        )
    return [_repeat(nodes, "pooled" if kind == "stride4" else "grey", "maps")]


def _simcc(nodes, kind, size):
    """Two bins a pixel along both axes."""
    for axis, along in ((2, "x"), (3, "y")):
        nodes.append(
            helper.make_node("ReduceMax", ["grey"], [f"row_{along}"], axes=[axis], keepdims=0)
        )
        nodes.append(
            helper.make_node(
                "Resize",
                [f"row_{along}", "", "scales"],
                [f"bins_{along}"],
                mode="nearest",
                nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )
        )
        _repeat(nodes, f"bins_{along}", f"simcc_{along}")
    return ["simcc_x", "simcc_y"]


def _coordinates(nodes, kind, size):
    """Joints x, y (pixel centers) and the brightness there."""
    for axis, along in ((2, "x"), (3, "y")):
        nodes += [
            helper.make_node("ReduceMax", ["grey"], [f"row_{along}"], axes=[axis], keepdims=0),
            helper.make_node("ArgMax", [f"row_{along}"], [f"at_{along}"], axis=2, keepdims=1),
            helper.make_node("Cast", [f"at_{along}"], [f"real_{along}"], to=TensorProto.FLOAT),
            helper.make_node("Add", [f"real_{along}", "half"], [along]),
        ]
    nodes += [
        helper.make_node("ReduceMax", ["row_x"], ["score"], axes=[2], keepdims=1),
        helper.make_node("Concat", ["x", "y", "score"], ["joint"], axis=2),
    ]
    if kind == "coordinates":
        return [_repeat(nodes, "joint", "joints")]
    nodes.append(helper.make_node("Div", ["joint", "sides"], ["part"]))
    return [_repeat(nodes, "part", "joints")]
