"""Ids of groups, members and instances. (GROUP-001 to GROUP-003)"""

import re

__all__ = ["MOST_BYTES", "fault_of_id"]

MOST_BYTES = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fault_of_id(ident: str) -> str | None:
    """Return what is wrong with an id, None if nothing is."""
    size = len(ident.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= MOST_BYTES:
        return f"an id has 1 to {MOST_BYTES} bytes of UTF-8, not {size}"
    if ident in {".", ".."}:
        return f"'{ident}' is no id"
    if not ident.strip(" "):
        return "an id has more than spaces"
    if found := _CONTROL.search(ident):
        return f"U+{ord(found[0]):04X} is a control character, which no id has"
    return None
