"""What is produced: the same documents for every contestant, as JSON text."""

import json
from collections.abc import Iterable

__all__ = ["BATCH", "FRESH", "PRODUCER", "SEQUENCE", "batch", "big_record", "envelope", "key", "record", "value"]

BATCH = 1_000
FRESH = "########"
"""The place of a number that differs from request to request."""

PRODUCER = "%%%%%%%%"
SEQUENCE = "@@@@@@@@@@"
"""The places of a producer's id, another one in each run, and of the sequence number of a request."""

_VALUE_BYTES = 100
_BIG_RECORD_BYTES = 1_024


def value(number: int) -> str:
    """Return a JSON value of 100 bytes without whitespace."""
    head = f'{{"order_id":"{number:07}","amount":{number % 1000}.99,"paid":true,"note":"'
    return head + "x" * (_VALUE_BYTES - len(head) - 2) + '"}'


def key(number: int, fresh: str = FRESH) -> str:
    """Return a key of 11 to 13 bytes: lengths differ, as those of real keys do."""
    return f"c{number % BATCH}-{fresh}"


def record(number: int, fresh: str = FRESH) -> str:
    """Return a record with a key and a value of 100 bytes."""
    return f'{{"key":"{key(number, fresh)}","value":{value(number)}}}'


def batch(fresh: str = FRESH) -> list[str]:
    """Return 1 000 records."""
    return [record(number, fresh) for number in range(BATCH)]


def big_record() -> str:
    """Return a record of 1 KiB."""
    bare = json.dumps({"key": key(0), "value": {"order_id": "0", "note": ""}}, separators=(",", ":"))
    return bare.replace('"note":""', '"note":"' + "x" * (_BIG_RECORD_BYTES - len(bare)) + '"')


def envelope(records: Iterable[str]) -> str:
    """Return the body of a produce request."""
    return f'{{"records":[{",".join(records)}]}}'
