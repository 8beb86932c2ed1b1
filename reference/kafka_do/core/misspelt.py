"""What somebody may have meant who has misspelt a name."""

from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean '…'?` for the name that is most like one, empty where none is like it."""
    import difflib  # noqa: PLC0415  nobody needs it who makes no mistake

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
