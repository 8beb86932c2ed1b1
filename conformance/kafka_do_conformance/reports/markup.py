"""HTML that cannot be made wrongly: what is not made by `tag` is text, and text is escaped."""

import html
import re

from kafka_do_conformance.visible import visible

__all__ = ["Html", "join", "prose", "raw", "tag"]

_KEYWORD = re.compile(r"\b((?:MUST|SHOULD)(?: NOT)?|MAY)\b")
_VOID = frozenset({"input", "meta"})
_BLOCKS = frozenset({"article", "dd", "div", "dl", "head", "header", "li", "main", "p", "section", "table", "tr", "ul"})


class Html(str):
    """Markup. Every other text is escaped where it is put in."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: str) -> Html:
    """Return an element; `class_` is the attribute `class`, `data_name` is `data-name`."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"' for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{given}>\n")
    return Html(f"<{name}{given}>{join(content)}</{name}>" + ("\n" if name in _BLOCKS else ""))


def raw(name: str, content: str) -> Html:
    """Return a `style` or `script` element with content of our own, which stands in it as it is."""
    if "</" in content:
        raise ValueError(f"what stands in <{name}> would end it")
    return Html(f"<{name}>{content}</{name}>\n")


def join(content: tuple[str, ...] | list[str]) -> Html:
    """Return markup and text, one after the other."""
    return Html("".join(part if isinstance(part, Html) else _text(part) for part in content))


def prose(text: str) -> Html:
    """Return the suite's or the specification's words: what stands in backquotes is code, and keywords are strong."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return join([text])
    return join([tag("code", piece) if index % 2 else _words(piece) for index, piece in enumerate(pieces)])


def _words(text: str) -> Html:
    return join([tag("strong", word) if index % 2 else word for index, word in enumerate(_KEYWORD.split(text))])


def _text(text: str) -> Html:
    return text if isinstance(text, Html) else Html(html.escape(visible(text)))
