"""The specification's sources, read from a checkout."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_ATTRIBUTES = re.compile(r"^\{:\s*(?P<list>[^}]*)\}\s*$")
_PAIR = re.compile(r"^(?P<name>[a-z]+)=(?P<value>[a-z_]+)$")
_KEYWORD = re.compile(r"\b(MUST|SHOULD|MAY|SHALL|REQUIRED|RECOMMENDED|OPTIONAL)\b")

LEVELS = ("must", "should", "may")
ROLES = ("server", "client")
PROOFS = ("wire", "history", "control", "review")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a chapter with its attributes: `ident` from `#`, `classes` from `.`, `facts` from name=value."""

    chapter: str
    line: int
    text: str
    ident: str | None
    classes: tuple[str, ...]
    facts: dict[str, str]

    @property
    def place(self) -> str:
        """Say where the paragraph stands, for a message."""
        return f"spec/{self.chapter}:{self.line}"

    @property
    def normative(self) -> bool:
        """Whether the text uses one of RFC 2119's words."""
        return _KEYWORD.search(self.text) is not None


@dataclass(frozen=True)
class Sources:
    """Everything that a person writes: chapters, `openapi.yaml`, `errors.yaml`, `protocol.yaml`, `machines`.

    `errors` are the codes of `errors.yaml`, `kafka` its table of Apache Kafka's errors. `machines` are the files of
    `machines`, by their names.
    """

    root: Path
    paragraphs: tuple[Paragraph, ...]
    openapi: dict[str, Any]
    errors: dict[str, dict[str, Any]]
    kafka: dict[str, dict[str, Any]]
    protocol: dict[str, Any]
    machines: dict[str, dict[str, Any]]

    @property
    def requirements(self) -> list[Paragraph]:
        """The paragraphs that carry an id."""
        return [paragraph for paragraph in self.paragraphs if paragraph.ident is not None]

    def operations(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return (path template, upper-case method, operation object), with the path's parameters merged in."""
        return [
            (
                path,
                method.upper(),
                {**operation, "parameters": [*item.get("parameters", []), *operation.get("parameters", [])]},
            )
            for path, item in self.openapi["paths"].items()
            for method, operation in item.items()
            if method in ("get", "put", "post", "patch", "delete")
        ]

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """Follow a `$ref` within `openapi.yaml`; members beside it win."""
        if "$ref" not in node:
            return node
        target: Any = self.openapi
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return {**self.resolve(target), **{name: value for name, value in node.items() if name != "$ref"}}


def read(root: Path) -> Sources:
    """Read the sources below `root`, the folder that holds `spec`."""
    spec = root / "spec"
    catalogue = yaml.safe_load((spec / "errors.yaml").read_text("utf-8"))
    return Sources(
        root=root,
        paragraphs=tuple(
            p for chapter in sorted(spec.glob("*.md")) for p in paragraphs(chapter.name, chapter.read_text("utf-8"))
        ),
        openapi=yaml.safe_load((spec / "openapi.yaml").read_text("utf-8")),
        errors=catalogue["codes"],
        kafka=catalogue["kafka"],
        protocol=yaml.safe_load((spec / "protocol.yaml").read_text("utf-8")),
        machines={
            path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((spec / "machines").glob("*.yaml"))
        },
    )


def paragraphs(chapter: str, text: str) -> list[Paragraph]:
    """Split a chapter into paragraphs; fenced code is none of them."""
    found: list[Paragraph] = []
    block: list[str] = []
    fenced = False
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        fence = line.lstrip().startswith("```")
        if line.strip() and not fence and not fenced:
            block.append(line)
        elif block:
            found.append(_paragraph(chapter, number - len(block), block))
            block = []
        fenced ^= fence
    return found


def _paragraph(chapter: str, line: int, block: list[str]) -> Paragraph:
    attributes = _ATTRIBUTES.match(block[-1])
    words = attributes["list"].split() if attributes else []
    body = block[:-1] if attributes else block
    return Paragraph(
        chapter=chapter,
        line=line,
        text=" ".join(part.strip() for part in body),
        ident=next((word[1:] for word in words if word.startswith("#")), None),
        classes=tuple(word[1:] for word in words if word.startswith(".")),
        facts={pair["name"]: pair["value"] for word in words if (pair := _PAIR.match(word))},
    )
