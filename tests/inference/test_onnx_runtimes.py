import numpy as np
import pytest

from onebody.inference.onnx_runtimes import _before_softmax, plain_transposes, rename

onnx = pytest.importorskip("onnx")


def model(nodes, inputs, outputs):
    make = onnx.helper.make_tensor_value_info
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "g",
        [make(name, kind, shape) for name, shape in inputs.items()],
        [make(name, kind, shape) for name, shape in outputs.items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])


def answers(found, **given):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(found).run(None, given)


def test_only_transposes_that_copy_are_left():
    node = onnx.helper.make_node
    made = model(
        [
            node("Transpose", ["x"], ["a"], perm=[0, 2, 1, 3]),  # moves an axis of length 1
            node("Transpose", ["a"], ["b"], perm=[0, 1, 3, 2]),
            node("Transpose", ["b"], ["c"]),  # turns all around
        ],
        {"x": [1, 3, 1, 4]},
        {"c": [3, 4, 1, 1]},
    )
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 1, 4)
    (before,) = answers(made, x=x)
    plain_transposes(made)
    assert [n.op_type for n in made.graph.node] == ["Reshape", "Transpose", "Transpose"]
    (after,) = answers(made, x=x)
    np.testing.assert_array_equal(before, after)


def test_ports_are_named_even_where_an_output_is_an_input():
    made = model(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        {"x": [2], "s": [2]},
        {"y": [2], "s": [2]},
    )
    rename(made, ["frame", "state/a"], ["task", "next/a"])
    assert [v.name for v in made.graph.input] == ["frame", "state/a"]
    assert [v.name for v in made.graph.output] == ["task", "next/a"]
    onnx.checker.check_model(made)
    found = answers(made, **{"frame": np.float32([-1, 2]), "state/a": np.float32([3, 4])})
    np.testing.assert_array_equal(found, [[0, 2], [3, 4]])


def test_convolutions_that_a_softmax_reads_are_found():
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="trunk"),
        node("Conv", ["a", "w"], ["b"], name="heat"),
        node("Conv", ["a", "w"], ["c"], name="look"),
        node("Reshape", ["b", "s"], ["d"]),
        node("Softmax", ["d"], ["e"]),
    ]
    graph = model(nodes, {"x": [1], "w": [1], "s": [1]}, {"e": [1], "c": [1]}).graph
    assert _before_softmax(graph) == ["heat"]
