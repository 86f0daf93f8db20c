"""Ways to run ONNX files, how they are written and brought to 8 bits, and all ways at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from onebody.inference.runtimes import Precision, Runtime, compiled, eager, need, quiet
from onebody.types import Floats

if TYPE_CHECKING:
    import onnx

OPSET = 18


_FILE_WAYS: tuple[tuple[str, Precision], ...] = (
    ("onnxruntime", "fp32"),
    ("onnxruntime", "int8"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
    ("openvino", "int8"),
)
"""ONNX Runtime computes in no bfloat16 on a processor."""


def to_onnx(
    module: nn.Module,
    examples: Sequence[Floats],
    path: Path,
    *,
    names: tuple[Sequence[str], Sequence[str]] | None = None,
) -> None:
    """Write a module as an ONNX file of the examples' shapes, in one file with its weights.

    Args:
        module: in evaluation mode; maps tensors to a tuple of tensors.
        examples: its arguments.
        path: the file.
        names: of inputs and outputs; None: whatever the exporter calls them.

    Raises:
        ModuleNotFoundError: without onnx and onnxscript; names the extra.
    """
    need("onnxscript", "export")
    import onnx

    arguments = tuple(map(torch.from_numpy, examples))
    with quiet():
        program = torch.onnx.export(
            module, arguments, dynamo=True, opset_version=OPSET, verbose=False
        )
    assert program is not None
    model = program.model_proto
    if names is not None:
        rename(model, *names)
    plain_transposes(model)
    onnx.save(model, str(path))


def rename(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give a model's inputs and outputs names, in place.

    An output that is an input, or is named twice, gets a node of its own.
    """
    from onnx import helper

    graph = model.graph
    new = dict(zip((value.name for value in graph.input), inputs, strict=True))
    for node in graph.node:
        node.input[:] = [new.get(name, name) for name in node.input]
    for value, name in zip(graph.input, inputs, strict=True):
        value.name = name
    for value, name in zip(graph.output, outputs, strict=True):
        graph.node.append(helper.make_node("Identity", [new.get(value.name, value.name)], [name]))
        value.name = name


def plain_transposes(model: onnx.ModelProto) -> None:
    """Replace transposes that move axes of length 1 only by reshapes, which copy nothing, in place.

    A single frame has many: time is folded into the batch and back.
    """
    from onnx import helper, numpy_helper, shape_inference

    graph = shape_inference.infer_shapes(model).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    for number, node in enumerate(model.graph.node):
        shape = shapes.get(node.input[0], []) if node.op_type == "Transpose" else []
        if not shape or 0 in shape:  # unknown
            continue
        order = next((list(a.ints) for a in node.attribute if a.name == "perm"), [])
        order = order or list(range(len(shape)))[::-1]
        moved = [axis for axis in order if shape[axis] > 1]
        if moved == sorted(moved):
            target = f"{node.output[0]}/shape"
            sizes = np.array([shape[axis] for axis in order], np.int64)
            model.graph.initializer.append(numpy_helper.from_array(sizes, target))
            plain = helper.make_node("Reshape", [node.input[0], target], [node.output[0]])
            model.graph.node[number].CopyFrom(plain)


def onnx_runtime(path: Path, precision: Precision = "fp32") -> Runtime:
    """Run an ONNX file by ONNX Runtime with as many threads as torch has.

    Raises:
        ModuleNotFoundError: without onnxruntime; names the extra.
    """
    need("onnxruntime", "export")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(*x: Floats) -> list[Floats]:
        found = session.run(None, dict(zip(names, x, strict=True)))
        return [np.asarray(part, np.float32) for part in found]

    return Runtime(name="onnxruntime", precision=precision, run=run)


def openvino(path: Path, precision: Precision = "fp32") -> Runtime:
    """Run an ONNX file by OpenVINO with as many threads as torch has.

    OpenVINO computes in bfloat16 by itself where a processor has it; here it does as it is told.

    Raises:
        ModuleNotFoundError: without openvino; names the extra.
    """
    need("openvino", "export")
    import openvino as ov

    hint = ov.Type.bf16 if precision == "bf16" else ov.Type.f32
    options = {
        "INFERENCE_PRECISION_HINT": hint,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled_model = ov.Core().compile_model(str(path), "CPU", options)
    request = compiled_model.create_infer_request()

    # Arrays that are bound once: handing them over at every call takes a tenth of a small network.
    given = [request.get_input_tensor(i).data for i in range(len(compiled_model.inputs))]
    found = [request.get_output_tensor(i).data for i in range(len(compiled_model.outputs))]

    def run(*x: Floats) -> list[Floats]:
        for place, value in zip(given, x, strict=True):
            np.copyto(place, value)
        request.infer()
        return [part.astype(np.float32) for part in found]  # copies: the next call writes there

    return Runtime(name="openvino", precision=precision, run=run)


def to_int8(path: Path, examples: Sequence[Sequence[Floats]], out: Path) -> None:
    """Quantize an ONNX file: 8 bit weights and activations, ranges taken from examples.

    Convolutions alone, and not those whose outputs a softmax reads at once (heat maps): where
    a point lies hangs on differences between them that 8 bits do not hold.

    Args:
        path: a float32 file (`to_onnx`).
        examples: arguments; real ones, for ranges of noise are no ranges of pictures.
        out: the quantized file, with quantize and dequantize nodes that both runtimes read.

    Raises:
        ModuleNotFoundError: without onnxruntime; names the extra.
    """
    need("onnxruntime", "export")
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    model = onnx.load(str(path))
    del model.graph.value_info[:]  # shapes that the exporter wrote hinder the quantizer
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"  # nodes are left out by name
    names = [given.name for given in model.graph.input]

    left = iter(examples)

    def get_next(_self: object) -> dict[str, Floats] | None:
        found = next(left, None)
        return None if found is None else dict(zip(names, found, strict=True))

    # The base class is untyped, hence made here rather than written as a class.
    reader = type("Examples", (CalibrationDataReader,), {"get_next": get_next})()
    with quiet():
        quantize_static(
            model,
            str(out),
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=_before_softmax(model.graph),
        )


def make_runtimes(
    module: nn.Module,
    fused: nn.Module,
    examples: Sequence[Sequence[Floats]],
    folder: Path,
    names: Collection[str],
    say: Callable[[str], None],
) -> Iterator[Runtime]:
    """Make the runtimes that are at hand.

    Args:
        module: as it is trained, in evaluation mode; run eagerly.
        fused: its form for inference (equal outputs); run by all others.
        examples: arguments: shapes are those of the first, int8's ranges of all.
        folder: where files may go.
        names: of `RUNTIMES`.
        say: told what is done, and what is not at hand.
    """
    x = examples[0]
    wanted = set(names)
    if "eager" in wanted:
        yield eager(module)
        yield eager(module, "bf16")
    if "channels-last" in wanted:
        yield eager(fused, channels_last=True)
        yield eager(fused, "bf16", channels_last=True)
    if "compiled" in wanted:
        say("compiling ..")
        try:
            yield compiled(fused, x)
            yield compiled(fused, x, "bf16")
        except RuntimeError as error:
            say(f"compiled: not at hand ({str(error).splitlines()[0]})")
    if wanted & {"onnxruntime", "openvino"}:
        yield from _from_files(fused, examples, folder, wanted, say)


def _from_files(
    fused: nn.Module,
    examples: Sequence[Sequence[Floats]],
    folder: Path,
    wanted: Collection[str],
    say: Callable[[str], None],
) -> Iterator[Runtime]:
    """Make the runtimes that read ONNX files."""
    plain, small = folder / "plain.onnx", folder / "int8.onnx"
    say("exporting ..")
    to_onnx(fused, examples[0], plain)
    to_int8(plain, examples, small)
    for name, precision in file_ways(wanted):
        run = onnx_runtime if name == "onnxruntime" else openvino
        yield run(small if precision == "int8" else plain, precision)


def file_ways(wanted: Collection[str]) -> list[tuple[str, Precision]]:
    """Return which runtimes read an ONNX file at which precisions, of the wanted runtimes."""
    return [(name, precision) for name, precision in _FILE_WAYS if name in wanted]


def _before_softmax(graph: onnx.GraphProto) -> list[str]:
    """Name the convolutions whose output reaches a softmax through no other convolution."""
    made: Mapping[str, onnx.NodeProto] = {out: node for node in graph.node for out in node.output}
    waiting = [name for node in graph.node if node.op_type == "Softmax" for name in node.input]
    found: list[str] = []
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in made:
            continue
        seen.add(name)
        if made[name].op_type == "Conv":
            found.append(made[name].name)
        else:
            waiting += made[name].input
    return found
