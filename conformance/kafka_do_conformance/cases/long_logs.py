"""Logs that are longer than a server keeps in one piece: what is read from them, how much, and where a time is."""

from typing import Any

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

_BATCHES = 24
_MOST = 1000
_ROUNDS = 8
_LARGE = 30_000

Record = dict[str, Any]


@server_case(
    title="From every offset of a long log the next records are read, no more than asked for",
    requirements=["FETCH-001", "FETCH-002", "FETCH-007"],
    hint="Look where one batch, file or segment of your log ends and the next begins: no record twice, none left out.",
)
def reads_of_a_long_log(server: ServerSession) -> None:
    """Write several hundred kilobytes in batches of different sizes and read from every offset."""
    topic, sizes = _long_log(server)
    for offset in range(len(sizes)):
        for max_records in (1, 3, 40):
            _read(server, topic, sizes, offset, max_records=max_records)
    _read(server, topic, sizes, 0)


@server_case(
    title="In a long log an answer ends before the record that does not fit, and leaves out none before it",
    requirements=["FETCH-002", "FETCH-008"],
    hint="Count over the borders of batches and segments, and stop at the first record that does not fit.",
)
def max_bytes_of_a_long_log(server: ServerSession) -> None:
    """Read with limits that fit exactly, or are a byte too small, at many places."""
    topic, sizes = _long_log(server)
    for offset in range(0, len(sizes), 3):
        for count in (1, 2, 9, 30):
            fitting = sum(sizes[offset : offset + count])
            for max_bytes in (fitting - 1, fitting):
                _read(server, topic, sizes, offset, max_bytes=max_bytes)


@server_case(
    title="What is appended between two reads is in the second one",
    requirements=["FETCH-001", "FETCH-008"],
    hint="An index that was made for a read has to grow with the log.",
)
def appends_between_reads(server: ServerSession) -> None:
    """Append and read in turns, with limits that cut the answer."""
    topic = server.create_topic(1)
    sizes: list[int] = []
    for number in range(_ROUNDS):
        _append(server, topic, sizes, [10 + number, 20, 5])
        last = len(sizes) - 2
        for offset in (0, last):
            _read(server, topic, sizes, offset, max_records=last + 1)
            _read(server, topic, sizes, offset, max_records=1)
            _read(server, topic, sizes, offset, max_bytes=sum(sizes[offset:]) - 1)
            _read(server, topic, sizes, offset, max_bytes=sizes[offset])


@server_case(
    title="In a long log a time is found at the first record that has it or a later one",
    requirements=["OFFSETS-002", "OFFSETS-003"],
    hint="Keep for each piece of the log the largest time up to its end, not the time of its last record.",
)
def times_in_a_long_log(server: ServerSession) -> None:
    """Write batches that are large and small, whose times rise and fall, and ask for times."""
    topic = server.create_topic(1)
    for length, times in (
        (_LARGE, (100, 500, 200)),
        (_LARGE, (300, 400, 450)),
        (1, (450,)),
        (1, (600,)),
        (1, (10,)),
        (_LARGE, (550, 20, 30)),
        (_LARGE, (40, 50, 60)),
    ):
        server.produce(topic, [{"value": "x" * length, "timestamp_ms": time} for time in times])
    place = {"topic": topic, "partition": 0}
    found = ((0, 0, 100), (100, 0, 100), (101, 1, 500), (450, 1, 500), (500, 1, 500), (501, 7, 600), (551, 7, 600))
    asked = [{**place, "timestamp_ms": time} for time, _, _ in (*found, (600, 7, 600), (601, None, None))]
    wanted = [
        {**place, "offset": offset, "timestamp_ms": time}
        for _, offset, time in (*found, (600, 7, 600), (601, None, None))
    ]
    asked.append({**place, "at": "max_timestamp"})
    wanted.append({**place, "offset": 7, "timestamp_ms": 600})
    response = server.send("POST", "/v1/offsets", value={"partitions": asked})
    server.expect("ask for times", response, {"status": 200, "json": {"partitions": wanted}})


def _long_log(server: ServerSession) -> tuple[str, list[int]]:
    """Write a log and return its topic and the sizes of its records, which are all different from their neighbours'."""
    topic = server.create_topic(1)
    sizes: list[int] = []
    for number in range(_BATCHES):
        _append(server, topic, sizes, [1000 + (number * 7 + place * 3) % 11 * 900 for place in range(1 + number % 5)])
    return topic, sizes


def _append(server: ServerSession, topic: str, sizes: list[int], lengths: list[int]) -> None:
    """Append texts of these lengths, each beginning with its offset, and add them to the sizes of the log."""
    first = len(sizes)
    values = [f"{offset} ".ljust(length, "x") for offset, length in enumerate(lengths, first)]
    results = server.produce(topic, [{"value": value, "value_encoding": "string"} for value in values])
    offsets = [result["offset"] for result in results]
    if offsets != list(range(first, first + len(lengths))):
        server.require("append", [Mismatch("offsets", f"from {first} on", str(offsets))])
    sizes += lengths


def _read(
    server: ServerSession,
    topic: str,
    sizes: list[int],
    offset: int,
    *,
    max_records: int = _MOST,
    max_bytes: int = 2**24,
) -> None:
    """Read once and compare with what has to be there."""
    upto, left = offset, max_bytes
    while upto < min(offset + max_records, len(sizes)) and (sizes[upto] <= left or upto == offset):
        left -= sizes[upto]
        upto += 1
    query = f"offset={offset}&max_records={max_records}&max_bytes={max_bytes}"
    answer = server.fetch(topic, 0, query)
    wanted = [(number, f"{number} ".ljust(sizes[number], "x")) for number in range(offset, upto)]
    found = [(record.get("offset"), record.get("value")) for record in answer["records"]]
    if (found, answer["next_offset"]) != (wanted, upto):
        seen = f"{[number for number, _ in found]}, then {answer['next_offset']}"
        right = f"{list(range(offset, upto))}, then {upto}, each as it was appended"
        server.require(f"fetch {query}", [Mismatch("offsets of the records, then next_offset", right, seen)])
