"""The module of the library's exceptions: one class for each code of the catalogue."""

import builtins
import textwrap
from typing import Any

from kafka_do_spec.sources import Sources

__all__ = ["class_name", "error_classes"]

_WIDTH = 116


def class_name(code: str) -> str:
    """Return the name of a code's class: `TopicNotFoundError` for `topic_not_found`; none of Python's own is taken."""
    name = "".join(word.capitalize() for word in code.split("_")) + "Error"
    return f"Kafka{name}" if hasattr(builtins, name) else name


def error_classes(sources: Sources) -> str:
    """Return the text of `kafka_do/errors.py`."""
    names = sorted([*(class_name(code) for code in sources.errors), "KafkaError"])
    listed = "".join(f'    "{name}",\n' for name in names)
    head = (
        '"""The errors of the catalogue, one class each, made by `python -m kafka_do_spec generate`; do not edit."""\n'
        f"\nfrom kafka_do.core.errors import KafkaError\n\n__all__ = [\n{listed}]\n"
    )
    return head + "".join(_class(code, entry) for code, entry in sources.errors.items())


def _class(code: str, entry: dict[str, Any]) -> str:
    remedy = " ".join(f"{entry['meaning'].strip()} {entry['remedy'].strip()}".split()).replace("\\", "\\\\")
    about = "\n".join(textwrap.wrap(remedy, _WIDTH, break_on_hyphens=False, break_long_words=False))
    body = textwrap.indent(f'"""{entry["title"]}.\n\n{about}\n"""', "    ")
    body = "\n".join(line.rstrip() for line in body.splitlines())
    return f'\n\nclass {class_name(code)}(KafkaError, code="{code}"):\n{body}\n'
