"""How JSON carries bytes: the encodings `string`, `base64` and `json`, and the choice that `auto` makes."""

import binascii
from base64 import b64encode

import msgspec

from kafka_do.core import json_text
from kafka_do.core.messages import ReadEncoding, TextEncoding, ValueEncoding

__all__ = ["decode_text", "decode_value", "encode_text", "encode_value"]

_NULL = b"null"


def decode_text(text: str | None, encoding: TextEncoding) -> bytes | None:
    """Return the bytes of a key or header value. (RECORD-005, RECORD-006)

    Raises ValueError saying what would be right.
    """
    if text is None:
        return None
    if encoding == "string":
        return text.encode()
    try:
        data = binascii.a2b_base64(text.encode(), strict_mode=True)
    except ValueError as error:
        raise ValueError(f"not base64 in the standard alphabet with padding: {error}") from None
    if len(text) != (len(data) + 2) // 3 * 4:
        raise ValueError("not base64 in the standard alphabet with padding: more padding than there should be")
    return data


def decode_value(
    value: msgspec.Raw, encoding: ValueEncoding, max_depth: int | None = None, *, is_compact: bool = False
) -> bytes | None:
    """Return the bytes of a value from its JSON text; `max_depth` None takes any depth. (RECORD-002, -004 to -007)

    What `is_compact` already is not looked at for white space. Raises ValueError saying what would be right.
    """
    text = bytes(value)
    if text == _NULL:
        return None
    if encoding == "json":
        if max_depth is not None and json_text.is_deeper(text, max_depth):
            raise ValueError(f"nested deeper than max_json_depth, which is {max_depth}")
        return text if is_compact else json_text.compact(text)
    if not text.startswith(b'"'):
        raise ValueError(
            f"a value in the encoding '{encoding}' is a text or null; other JSON values have the encoding 'json'"
        )
    return decode_text(msgspec.json.decode(text, type=str), encoding)


def encode_text(data: bytes | None, wanted: ReadEncoding) -> tuple[str | None, TextEncoding]:
    """Return the text of a key or header value and its encoding. (RECORD-013, RECORD-015, RECORD-016)"""
    if data is None:
        return None, "string"
    if wanted != "base64":
        try:
            return data.decode(), "string"
        except UnicodeDecodeError:
            pass
    return b64encode(data).decode(), "base64"


def encode_value(
    data: bytes | None, wanted: ReadEncoding, max_depth: int, *, is_compact: bool = False
) -> tuple[msgspec.Raw, ValueEncoding]:
    """Return the JSON text of a value and its encoding. (RECORD-014 to RECORD-016)

    What `is_compact` is known to be JSON without white space, and only looked at for its depth.
    """
    if data is None:
        return msgspec.Raw(_NULL), "json"
    if (
        wanted in ("auto", "json")
        and data != _NULL
        and (not json_text.is_deeper(data, max_depth) if is_compact else json_text.is_compact(data, max_depth))
    ):
        return msgspec.Raw(data), "json"
    text, encoding = encode_text(data, wanted)
    return msgspec.Raw(msgspec.json.encode(text)), encoding
