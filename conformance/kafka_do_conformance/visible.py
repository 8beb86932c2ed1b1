"""Text from an implementation, made fit to be looked at."""

from collections.abc import Iterable

__all__ = ["redact", "visible"]


def visible(text: str) -> str:
    """Return text with everything that cannot be seen written as an escape: terminal codes, NUL, direction marks."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else _escape(char) for char in text)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return text in which no secret can be read, wherever an implementation has put it."""
    for secret in secrets:
        text = text.replace(secret, "<the key>")
    return text


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
