"""The driver of a backend that compiles nothing: its device is the CPU."""

from __future__ import annotations

from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase


class InterpretedDriver(DriverBase):  # type: ignore[misc]
    """What vLLM and Triton ask of a driver. vLLM counts the drivers that have `is_active`."""

    def __init__(self) -> None:
        # That of the base class looks for a compiler.
        pass

    @classmethod
    def is_active(cls) -> bool:
        return False

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cpu", 0, 1)

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")

    def get_device_interface(self) -> Any:
        return torch.cpu

    def get_current_device(self) -> int:
        return 0

    def set_current_device(self, device: int) -> None:
        pass

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def map_python_to_cpp_type(self, ty: str) -> str:
        return ty

    def get_benchmarker(self) -> Any:
        raise NotImplementedError("the interpreter's time means nothing")

    def get_empty_cache_for_benchmark(self) -> Any:
        raise NotImplementedError("the interpreter's time means nothing")

    def clear_cache(self, cache: Any) -> None:
        raise NotImplementedError("the interpreter's time means nothing")
