"""Figures and ratios, as a table for people and as JSON for machines. Nothing here says whether a figure is good."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Goal", "Measurement", "Ratio", "Series", "as_text", "ratio", "write_json"]


@dataclass(frozen=True)
class Goal:
    """What the project wants of a figure: `sign` is `≥` or `≤`."""

    sign: str
    value: float


@dataclass(frozen=True)
class Series:
    """One figure, taken in several rounds."""

    name: str
    unit: str
    samples: Sequence[float]
    note: str = ""
    goal: Goal | None = None

    @property
    def median(self) -> float:
        """Return the middle of the samples."""
        return statistics.median(self.samples)


@dataclass(frozen=True)
class Ratio:
    """How two series compare: `value` by their medians, `paired` round by round."""

    name: str
    value: float
    paired: Sequence[float]
    goal: Goal | None = None


@dataclass
class Measurement:
    """What one measurement found."""

    name: str
    title: str
    series: list[Series] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def ratio(of: Series, to: Series, goal: Goal | None = None) -> Ratio:
    """Compare two series whose samples were taken in the same rounds."""
    return Ratio(
        f"{of.name} / {to.name}",
        of.median / to.median,
        [one / other for one, other in zip(of.samples, to.samples, strict=True)],
        goal,
    )


def as_text(measurement: Measurement) -> str:
    """Return a measurement as lines of a table."""
    rows = [_series_row(one) for one in measurement.series] + [_ratio_row(one) for one in measurement.ratios]
    heading = (f"{measurement.name}: {measurement.title}", "min", "median", "max", "")
    lines = _aligned([heading, *rows])
    lines.insert(1, "-" * len(lines[0].rstrip()))
    return "\n".join([*lines, *(f"  note: {note}" for note in measurement.notes)])


def write_json(path: Path, environment: dict[str, str], measurements: Iterable[Measurement]) -> None:
    """Write everything, every sample included."""
    found: dict[str, Any] = {"environment": environment, "measurements": [asdict(one) for one in measurements]}
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


Row = tuple[str, str, str, str, str]


def _series_row(series: Series) -> Row:
    least, most = min(series.samples), max(series.samples)
    rest = "  ".join(filter(None, [series.unit, series.note, _beside(series.goal, series.median)]))
    return f"  {series.name}", _number(least), _number(series.median), _number(most), rest


def _ratio_row(one: Ratio) -> Row:
    rest = "  ".join(filter(None, ["times", _beside(one.goal, one.value)]))
    return f"  {one.name}", f"{min(one.paired):.2f}", f"{one.value:.2f}", f"{max(one.paired):.2f}", rest


def _beside(goal: Goal | None, figure: float) -> str:
    return f"goal {goal.sign} {goal.value:g}: {figure:.3g}" if goal else ""


def _number(figure: float) -> str:
    if figure >= 100:  # noqa: PLR2004  three digits say enough
        return f"{figure:,.0f}".replace(",", " ")
    return f"{figure:.3g}"


def _aligned(rows: Sequence[Row]) -> list[str]:
    name, *widths = (max(len(row[column]) for row in rows) for column in range(4))
    return [
        f"{row[0]:<{name}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:4], widths, strict=True))
        + f"  {row[4]}"
        for row in rows
    ]
