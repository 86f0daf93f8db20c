"""Ways to run a module on pictures: eager, compiled, ONNX Runtime, OpenVINO; at three precisions.

A runtime is made once for an example and then called with arrays of the example's shape. Every
one is held against eager float32 on the same input, so that a fast wrong answer shows.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from onebody.types import Floats

Precision: TypeAlias = Literal["fp32", "bf16", "int8"]
Runner: TypeAlias = Callable[[Floats], list[Floats]]
"""Pictures to outputs, float32."""

OPSET = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """One way to run a module.

    Attributes:
        name: what runs it.
        precision: what it computes in.
        run: the way.
    """

    name: str
    precision: Precision
    run: Runner


def lay_channels_last(module: nn.Module) -> nn.Module:
    """Lay out the weights of 2D convolutions with the channels innermost, in place."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module


class Outputs(nn.Module):
    """Makes a module return a plain tuple of tensors, as exporters need it."""

    def __init__(self, module: nn.Module, pick: Callable[[object], Sequence[Tensor]]) -> None:
        super().__init__()
        self.module, self.pick = module, pick

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Run the module."""
        return tuple(self.pick(self.module(x)))


def eager(
    module: nn.Module, precision: Precision = "fp32", *, channels_last: bool = False
) -> Runtime:
    """Run a module as it is, perhaps with channels innermost."""
    if channels_last:
        module = lay_channels_last(copy.deepcopy(module))
    name = "eager channels-last" if channels_last else "eager"
    return Runtime(name=name, precision=precision, run=_torch_runner(module, precision))


def compiled(module: nn.Module, example: Floats, precision: Precision = "fp32") -> Runtime:
    """Compile a module with inductor, weights frozen.

    Raises:
        RuntimeError: without a C++ compiler.
    """
    with _quiet():  # the compiler's own modules use what torch has deprecated
        import torch._inductor.config as inductor

    with _quiet(), inductor.patch(freezing=True):
        run = _torch_runner(torch.compile(module), precision)
        run(example)  # compiles
    return Runtime(name="compiled", precision=precision, run=run)


def to_onnx(module: nn.Module, example: Floats, path: Path) -> None:
    """Write a module as an ONNX file of the example's shape.

    Raises:
        ModuleNotFoundError: without onnx and onnxscript; names the extra.
    """
    _need("onnxscript", "export")
    with _quiet():
        program = torch.onnx.export(
            module, (torch.from_numpy(example),), dynamo=True, opset_version=OPSET, verbose=False
        )
    assert program is not None
    program.save(str(path))


def onnx_runtime(path: Path, precision: Precision = "fp32") -> Runtime:
    """Run an ONNX file by ONNX Runtime with as many threads as torch has.

    Raises:
        ModuleNotFoundError: without onnxruntime; names the extra.
    """
    _need("onnxruntime", "export")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name

    def run(x: Floats) -> list[Floats]:
        return [np.asarray(part, np.float32) for part in session.run(None, {given: x})]

    return Runtime(name="onnxruntime", precision=precision, run=run)


def openvino(path: Path, precision: Precision = "fp32") -> Runtime:
    """Run an ONNX file by OpenVINO with as many threads as torch has.

    OpenVINO computes in bfloat16 by itself where a processor has it; here it does as it is told.

    Raises:
        ModuleNotFoundError: without openvino; names the extra.
    """
    _need("openvino", "export")
    import openvino as ov

    hint = ov.Type.bf16 if precision == "bf16" else ov.Type.f32
    options = {
        "INFERENCE_PRECISION_HINT": hint,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled_model = ov.Core().compile_model(str(path), "CPU", options)

    def run(x: Floats) -> list[Floats]:
        found = compiled_model(x)
        return [np.asarray(found[port], np.float32) for port in compiled_model.outputs]

    return Runtime(name="openvino", precision=precision, run=run)


def to_int8(path: Path, examples: Sequence[Floats], out: Path) -> None:
    """Quantize an ONNX file: 8 bit weights and activations, ranges taken from examples.

    Args:
        path: a float32 file (`to_onnx`).
        examples: inputs; real ones, for ranges of noise are no ranges of pictures.
        out: the quantized file, with quantize and dequantize nodes that both runtimes read.

    Raises:
        ModuleNotFoundError: without onnxruntime; names the extra.
    """
    _need("onnxruntime", "export")
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    model = onnx.load(str(path))
    del model.graph.value_info[:]  # shapes that the exporter wrote hinder the quantizer
    given = model.graph.input[0].name

    left = iter(examples)

    def get_next(_self: object) -> dict[str, Floats] | None:
        found = next(left, None)
        return None if found is None else {given: found}

    # The base class is untyped, hence made here rather than written as a class.
    reader = type("Examples", (CalibrationDataReader,), {"get_next": get_next})()
    with _quiet():
        quantize_static(
            model,
            str(out),
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
        )


def _torch_runner(module: Callable[..., Sequence[Tensor]], precision: Precision) -> Runner:
    """Run a torch module on arrays."""

    def run(x: Floats) -> list[Floats]:
        bf16 = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        with torch.inference_mode(), bf16:
            return [part.float().numpy() for part in module(torch.from_numpy(x))]

    return run


def _need(package: str, extra: str) -> None:
    """Refuse to go on without a package.

    Raises:
        ModuleNotFoundError: naming the extra that brings it.
    """
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ModuleNotFoundError(
            f"This needs {package}. Install it: pip install 'onebody[{extra}]'."
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep exporters from talking."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "root")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
