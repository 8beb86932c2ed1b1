"""How a server is set up besides the command line: a file in TOML, and limits by their names."""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kafka_do.core.misspelt import did_you_mean
from kafka_do.spec import SPEC

__all__ = ["Setting", "check_environment", "check_names", "read_limits", "read_settings"]

_LIMITS = "limits"
_MOST = 2**53 - 1
_AT_MOST = (  # what the first is, the second is at least
    ("max_record_bytes", "max_batch_bytes"),
    ("min_session_timeout_ms", "max_session_timeout_ms"),
)


class Setting(NamedTuple):
    """What a setting may be: bool, int within a range, str, or list for texts that may be several."""

    kind: type
    least: float | None = None
    most: float | None = None


def read_settings(file: Path, known: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the settings of a file, by their names; a table `limits` becomes the setting `limit`.

    Raises ValueError that names the file, the setting, and what would be right.
    """
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    try:
        limits = _limits_of(found.pop(_LIMITS, {}))
        check_names(found, known.keys() - {"limit"})
        for name, value in found.items():
            _check(name, value, known[name])
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return {**found, "limit": limits}


def check_environment(variables: Mapping[str, str], prefix: str, known: Mapping[str, Setting]) -> None:
    """Raise ValueError for a variable whose name begins so and that is no setting, or not what it may be."""
    settings = {f"{prefix}{name.upper()}": setting for name, setting in known.items()}
    given = {name: value for name, value in variables.items() if name.startswith(prefix)}
    check_names(given, settings)
    for name, value in given.items():
        if settings[name].kind is int:
            _check(name, int(value) if value.isascii() and value.isdigit() else value, settings[name])
        elif settings[name].kind is bool:
            _check(name, {"true": True, "false": False}.get(value, value), settings[name])


def _limits_of(table: Any) -> list[str]:
    """Return a table of limits as the command line has them."""
    if not isinstance(table, dict):
        raise ValueError(f"{_LIMITS} is a table: [{_LIMITS}] and below it lines like max_wait_ms = 1000")  # noqa: TRY004
    for name, value in table.items():
        _check(f"{_LIMITS}.{name}", value, Setting(int))
    given = [f"{name}={value}" for name, value in table.items()]
    read_limits(given)
    return given


def read_limits(given: Iterable[str]) -> dict[str, int]:
    """Return all limits, those that are given as `NAME=VALUE` instead of the specification's; raises ValueError."""
    limits = dict(SPEC.limits)
    for one in given:
        name, separator, value = one.partition("=")
        check_names([name], SPEC.limits)
        if not separator or not (value.isascii() and value.isdigit()) or not 1 <= int(value[:20]) <= _MOST:
            raise ValueError(f"{name} is a whole number from 1 to {_MOST}, as in {name}={SPEC.limits[name]}")
        limits[name] = int(value)
    for low, high in _AT_MOST:
        if limits[low] > limits[high]:
            raise ValueError(f"{low}, which is {limits[low]}, has to be at most {high}, which is {limits[high]}")
    return limits


def check_names(given: Iterable[str], known: Collection[str]) -> None:
    """Raise ValueError for a name that is none, so that no misspelt one is taken for the default."""
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(sorted(known))}"
            raise ValueError(f"there is no setting {name}{hint}")


_WORDS: Mapping[type, str] = {bool: "true or false", int: "a whole number", str: "a text", list: "a list of texts"}


def _check(name: str, value: Any, setting: Setting) -> None:
    """Raise ValueError unless a value is what a setting may be."""
    if type(value) is not setting.kind or (isinstance(value, list) and not all(isinstance(one, str) for one in value)):
        raise ValueError(f"{name} has to be {_WORDS[setting.kind]}, not {value!r}")
    low, high = setting.least, setting.most
    if isinstance(value, int) and ((low is not None and value < low) or (high is not None and value > high)):
        raise ValueError(f"{name} has to be {low} or more{'' if high is None else f', up to {high}'}, not {value}")
