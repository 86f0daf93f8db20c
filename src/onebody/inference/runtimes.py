"""Ways to run a module on arrays: eager, compiled, ONNX Runtime, OpenVINO; at three precisions.

A runtime is made once for an example and then called with arrays of the example's shapes. Every
one is held against eager float32 on the same input, so that a fast wrong answer shows. Those that
read ONNX files are in `onebody.inference.onnx_runtimes`.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from onebody.types import Floats

Precision: TypeAlias = Literal["fp32", "bf16", "int8"]
Runner: TypeAlias = Callable[..., list[Floats]]
"""Arrays (pictures; what a stream remembers behind them) to outputs, float32."""

RUNTIMES = ("eager", "channels-last", "compiled", "onnxruntime", "openvino")
"""All ways; each at the precisions that it has (`onebody.inference.make_runtimes`)."""


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

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Run the module."""
        return tuple(self.pick(self.module(*x)))


def eager(
    module: nn.Module, precision: Precision = "fp32", *, channels_last: bool = False
) -> Runtime:
    """Run a module as it is, perhaps with channels innermost."""
    if channels_last:
        module = lay_channels_last(copy.deepcopy(module))
    name = "eager channels-last" if channels_last else "eager"
    return Runtime(name=name, precision=precision, run=_torch_runner(module, precision))


def compiled(
    module: nn.Module, example: Sequence[Floats], precision: Precision = "fp32"
) -> Runtime:
    """Compile a module for an example's shapes with inductor, weights frozen.

    Raises:
        RuntimeError: without a C++ compiler.
    """
    with quiet():  # the compiler's own modules use what torch has deprecated
        import torch._inductor.config as inductor

    with quiet(), inductor.patch(freezing=True):
        run = _torch_runner(torch.compile(module), precision)
        run(*example)  # compiles
    return Runtime(name="compiled", precision=precision, run=run)


def _torch_runner(module: Callable[..., Sequence[Tensor]], precision: Precision) -> Runner:
    """Run a torch module on arrays."""

    def run(*x: Floats) -> list[Floats]:
        bf16 = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        with torch.inference_mode(), bf16:
            return [part.float().numpy() for part in module(*map(torch.from_numpy, x))]

    return run


def need(package: str, extra: str) -> None:
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
def quiet() -> Iterator[None]:
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
