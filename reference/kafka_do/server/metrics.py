"""What a server counts of itself, as Prometheus reads it. Nothing in it names a topic, a group or a key."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from kafka_do._version import __version__
from kafka_do.spec import SPEC

__all__ = ["CONTENT_TYPE", "NO_OPERATION", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NO_OPERATION = "none"
"""What a request counts as that is for no operation."""

_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_Labels = tuple[tuple[str, str], ...]
_Sample = tuple[str, _Labels, float]


class Metrics:
    """Counts requests. `figures` tells what the engine has now: a name like `topics`, and how many there are."""

    def __init__(self, figures: Callable[[], Mapping[str, int]] = dict) -> None:
        self._figures = [figures]
        self._started_s = time.time()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._errors: Counter[str] = Counter()
        self._request_bytes: Counter[str] = Counter()
        self._response_bytes: Counter[str] = Counter()
        self._durations: dict[str, _Durations] = {}
        self._running = 0
        self.is_ready = True

    def begin(self) -> float:
        """Count a request that begins; return when."""
        self._running += 1
        return time.perf_counter()

    def end(self) -> None:
        """Count a request that has ended, answered or not."""
        self._running -= 1

    def answered(  # noqa: PLR0917  it is called for each request
        self, operation: str, status: int, begun: float, received: int, sent: int, code: str | None
    ) -> None:
        """Count an answer: bytes of both bodies, as they went over the wire, and the `code` of a problem."""
        self._requests[operation, status] += 1
        if received:
            self._request_bytes[operation] += received
        self._response_bytes[operation] += sent
        if code is not None:
            self._errors[code] += 1
        if (durations := self._durations.get(operation)) is None:
            durations = self._durations[operation] = _Durations()
        durations.add(time.perf_counter() - begun)

    def refused(self, status: int, code: str) -> None:
        """Count what was answered although it is no request, or not a whole one."""
        self._requests[NO_OPERATION, status] += 1
        self._errors[code] += 1

    def watch(self, figures: Callable[[], Mapping[str, int]]) -> None:
        """Tell these figures too."""
        self._figures.append(figures)

    def text(self) -> str:
        """Return everything in the text format of Prometheus."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _family(
            "kafka_do_build_info",
            "gauge",
            "What the server is.",
            [("", (("version", __version__), ("revision", SPEC.revision)), 1)],
        )
        yield from _family("kafka_do_ready", "gauge", "Whether it takes new work.", [("", (), int(self.is_ready))])
        yield from _family(
            "kafka_do_http_requests_total",
            "counter",
            "Requests that were answered.",
            [
                ("", (("operation", name), ("status", str(status))), count)
                for (name, status), count in sorted(self._requests.items())
            ],
        )
        yield from _family(
            "kafka_do_http_errors_total",
            "counter",
            "Problems that were answered.",
            [("", (("code", code),), count) for code, count in sorted(self._errors.items())],
        )
        for name, counts, words in (
            ("kafka_do_http_request_bytes_total", self._request_bytes, "Bytes of bodies of requests, as they came."),
            ("kafka_do_http_response_bytes_total", self._response_bytes, "Bytes of bodies of answers, as they went."),
        ):
            samples = [("", (("operation", operation),), count) for operation, count in sorted(counts.items())]
            yield from _family(name, "counter", words, samples)
        yield from _family(
            "kafka_do_http_request_duration_seconds",
            "histogram",
            "From the head of a request to its answer, with what a fetch waits for.",
            [sample for name, one in sorted(self._durations.items()) for sample in one.samples(name)],
        )
        yield from _family(
            "kafka_do_http_requests_in_progress",
            "gauge",
            "Requests that wait for their answer.",
            [("", (), self._running)],
        )
        for name, count in sorted(item for figures in self._figures for item in figures().items()):
            words = f"How many {name.replace('_', ' ')} there are."
            yield from _family(f"kafka_do_{name}", "gauge", words, [("", (), count)])
        yield from _family(
            "process_cpu_seconds_total", "counter", "Time of the processor.", [("", (), time.process_time())]
        )
        yield from _family(
            "process_start_time_seconds", "gauge", "When the process began, in Unix time.", [("", (), self._started_s)]
        )


class _Durations:
    """How long the requests of one operation took."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, duration_s: float) -> None:
        self._counts[bisect_left(_BOUNDS_S, duration_s)] += 1
        self._sum_s += duration_s

    def samples(self, operation: str) -> Iterator[_Sample]:
        label = ("operation", operation)
        total = 0
        for bound, count in zip((*_BOUNDS_S, float("inf")), self._counts, strict=True):
            total += count
            yield "_bucket", (label, ("le", "+Inf" if bound == float("inf") else f"{bound:g}")), total
        yield "_sum", (label,), self._sum_s
        yield "_count", (label,), total


def _family(name: str, kind: str, words: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        said = ",".join(f'{label}="{_escape(text)}"' for label, text in labels)
        yield f"{name}{suffix}{{{said}}} {value!r}" if said else f"{name}{suffix} {value!r}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
