"""The vectors of stream processing as a page: what is required of each, and which of Kafka Streams' results are not."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from kafka_do_spec.markdown import write_page, write_section, write_table
from kafka_do_spec.sources import Sources

_ORIGINS = {
    "kafka": "result of Kafka Streams",
    "kafka-test": "result and input of a test of Kafka Streams",
    "rule": "worked out from the chapters",
}


def vector_page(sources: Sources) -> str:
    """Return the page that accounts for every vector of `fixtures/processing_*.json`."""
    files = {path.name: json.loads(path.read_text("utf-8")) for path in _files(sources.root)}
    chapters = {str(one.ident): one.chapter for one in sources.requirements}
    return write_page(
        "Vectors of stream processing",
        "Every vector in `fixtures/processing_*.json`. Each that is required is judged in a driver without a server, "
        "over a server, and as a topology given to any client's adapter. What D-1 and so on are is in the chapter "
        "[Stream processing](../processing.md#where-this-differs-from-kafka).",
        _write_summary(files),
        *(write_section(f"`{name}`", _write_file(content, chapters)) for name, content in files.items()),
    )


def _files(root: Path) -> list[Path]:
    return sorted((root / "fixtures").glob("processing_*.json"))


def _write_summary(files: dict[str, Any]) -> str:
    origins = Counter(vector["origin"] for content in files.values() for vector in content["vectors"])
    accidents = sum(len(content.get("accidents", ())) for content in files.values())
    return write_table(
        ["Vectors", "Number"],
        [
            *([f"required: {words}", str(origins[origin])] for origin, words in _ORIGINS.items() if origins[origin]),
            ["not required: an accident of Kafka Streams", str(accidents)],
        ],
    )


def _write_file(content: Any, chapters: dict[str, str]) -> str:
    required = [
        [f"`{one['name']}`", _ORIGINS[one["origin"]], _link(one["requirements"], chapters), one["title"]]
        for one in content["vectors"]
    ]
    accidents = [
        [f"`{one['name']}`", _ORIGINS["kafka"], "not required", one["why"]] for one in content.get("accidents", ())
    ]
    return write_table(
        ["Vector", "Origin", "Requirements", "What it shows, or why it is not required"], [*required, *accidents]
    )


def _link(idents: list[str], chapters: dict[str, str]) -> str:
    return ", ".join(f"[{ident}](../{chapters[ident]}#{ident})" for ident in idents)
