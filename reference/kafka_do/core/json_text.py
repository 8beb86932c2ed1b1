"""JSON as text: what the protocol keeps of a value is its text, not its meaning. (RECORD-004, RECORD-014)"""

import re

import msgspec

__all__ = ["compact", "depth", "is_compact"]

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def compact(text: bytes) -> bytes:
    """Remove the white space between the tokens of a JSON text and leave every token as it is spelt.

    Raises ValueError where the text is not strict JSON in UTF-8: NaN and Infinity, a byte order mark, an escaped lone
    surrogate and a control character in a string are refused, and so is a nesting too deep to follow.
    """
    try:
        text.decode()
        return msgspec.json.format(text, indent=-1)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def is_compact(text: bytes, max_depth: int) -> bool:
    """Whether `text` is a JSON text without white space between its tokens, nested at most `max_depth` deep."""
    try:
        return depth(text) <= max_depth and compact(text) == text
    except ValueError:
        return False


def depth(text: bytes) -> int:
    """Return how deep arrays and objects nest in a JSON text; a scalar has depth 0. (RECORD-007)"""
    deepest = level = 0
    for byte in _STRING.sub(b"", text):
        if byte in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"]}":
            level -= 1
    return deepest
