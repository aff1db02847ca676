"""The compiler of a backend that compiles nothing."""

from __future__ import annotations

from typing import Any

from triton.backends.compiler import BaseBackend, GPUTarget


class InterpretedBackend(BaseBackend):  # type: ignore[misc]
    """What Triton asks of a compiler although it interprets every kernel."""

    @staticmethod
    def supports_target(target: GPUTarget) -> bool:
        return bool(target.backend == "cpu")

    def hash(self) -> str:
        return "interpreted"

    def parse_options(self, options: Any) -> Any:
        return options

    def add_stages(self, stages: Any, options: Any, language: Any) -> None:
        raise NotImplementedError("this backend compiles nothing: set TRITON_INTERPRET=1")

    def load_dialects(self, context: Any) -> None:
        raise NotImplementedError("this backend compiles nothing: set TRITON_INTERPRET=1")

    def get_module_map(self) -> dict[str, Any]:
        return {}
