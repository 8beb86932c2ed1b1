"""What commands print: tables for people, lines for programs, JSON for both."""

import sys
from collections.abc import Iterable, Sequence

import msgspec

__all__ = ["ask", "print_json", "print_rows", "tell"]


def print_json(*objects: object) -> None:
    """Print each as JSON on a line of its own."""
    for one in objects:
        print(msgspec.json.encode(one).decode())


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on a terminal; elsewhere each row as a line, its fields separated by tabs, without a heading."""
    texts = [["-" if one is None else str(one) for one in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            print(*row, sep="\t")
        return
    from rich import box  # noqa: PLC0415  takes long to import, and programs need none of it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        is_number = bool(texts) and all(row[number].lstrip("-").isdecimal() or row[number] == "-" for row in texts)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in texts:
        table.add_row(*(Text(one) for one in row))
    Console().print(table)


def tell(words: str) -> None:
    """Say to a person what was done; a program is told by the exit status."""
    if sys.stderr.isatty():
        print(words, file=sys.stderr)


def ask(question: str, *, is_answered: bool) -> None:
    """Ask a person before something is lost; raises typer.Abort at no. Where nobody is there it goes without asking."""
    if not is_answered and sys.stdin.isatty():
        import typer  # noqa: PLC0415  is loaded already

        typer.confirm(question, abort=True, err=True)
