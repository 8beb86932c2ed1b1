"""Topic names: Kafka's rule. (TOPIC-005)"""

import re

from kafka_do.core.errors import KafkaError

__all__ = ["check_topic_name"]

_MAX_LENGTH = 249
_FORBIDDEN = re.compile(r"[^a-zA-Z0-9._-]")


def check_topic_name(name: str) -> None:
    """Raise KafkaError `invalid_topic_name`, saying what is wrong, unless `name` is one that a topic can have."""
    if not name:
        fault = "a topic name has at least one character"
    elif name in (".", ".."):
        fault = "'.' and '..' are no topic names"
    elif len(name) > _MAX_LENGTH:
        fault = f"a topic name has at most {_MAX_LENGTH} characters, not {len(name)}"
    elif strange := _FORBIDDEN.search(name):
        fault = f"{strange[0]!r} is none of the characters a-z, A-Z, 0-9, '.', '_' and '-'"
    else:
        return
    raise KafkaError("invalid_topic_name", fault, topic=name)
