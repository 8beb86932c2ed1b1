"""Names of a module that are loaded when somebody asks for them. (PEP 562)"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["loading"]


def loading(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module whose names have these homes."""

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    return load
