"""The partitions of many keys at once, compared with those of each key by itself and with Kafka's own."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.many_keys import _modulo, _unpack, partitions_of_keys
from kafka_do.core.partitioner import partition_of_key
from kafka_do.spec import data_root

_ROWS: list[dict[str, Any]] = json.loads((data_root() / "fixtures" / "murmur2.json").read_text("utf-8"))["rows"]
_EDGES = sorted({2**power + step for power in range(1, 31) for step in (-1, 0, 1)} | {2**31 - 1})
_counts = st.integers(1, 50) | st.sampled_from(_EDGES) | st.integers(1, 2**31 - 1)
_mixed = st.lists(st.binary(max_size=40), max_size=60)
_alike = st.integers(0, 40).flatmap(lambda length: st.lists(st.binary(min_size=length, max_size=length), max_size=40))


def _one_by_one(keys: list[bytes], count: int) -> list[int]:
    return [partition_of_key(key, count) for key in keys]


@settings(deadline=None, max_examples=300)
@given(_mixed | _alike, _counts)
def test_many_keys_go_where_each_goes_by_itself(keys: list[bytes], count: int) -> None:
    assert partitions_of_keys(keys, count) == _one_by_one(keys, count)


@pytest.mark.parametrize("length", range(41))
def test_keys_of_one_length_go_where_each_goes_by_itself_however_many_they_are(length: int) -> None:
    edges = [bytes([byte]) * length for byte in (0x00, 0x7F, 0x80, 0xFF)]
    keys = [*edges, *(bytes((number * 37 + place * 11) % 256 for place in range(length)) for number in range(36))]
    for number in (*range(18), len(keys)):
        assert partitions_of_keys(keys[:number], 50) == _one_by_one(keys[:number], 50)


@pytest.mark.parametrize("lengths", range(1, 5))
def test_keys_of_a_few_lengths_go_where_each_goes_by_itself(lengths: int) -> None:
    keys = [b"k" * (1 + number % lengths) + b"%02d" % number for number in range(40)]
    assert partitions_of_keys(keys, 50) == _one_by_one(keys, 50)


def test_keys_of_all_lengths_mixed_go_where_each_goes_by_itself() -> None:
    keys = [bytes((number + place * 7) % 256 for place in range(number % 41)) for number in range(500)]
    for count in (*range(1, 51), *_EDGES):
        assert partitions_of_keys(keys, count) == _one_by_one(keys, count)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["key_hex"][:24] or "empty")
def test_many_keys_go_where_kafka_puts_them(row: dict[str, Any]) -> None:
    key = bytes.fromhex(row["key_hex"])
    for count, partition in row["partitions"].items():
        assert partitions_of_keys([key] * 20, int(count)) == [partition] * 20


def test_all_keys_of_the_fixture_at_once_go_where_kafka_puts_them() -> None:
    for count in {count for row in _ROWS for count in row["partitions"]}:
        rows = [row for row in _ROWS if count in row["partitions"]] * 10
        found = partitions_of_keys([bytes.fromhex(row["key_hex"]) for row in rows], int(count))
        assert found == [row["partitions"][count] for row in rows]


@settings(deadline=None, max_examples=300)
@given(st.data(), st.integers(1, 50) | st.sampled_from(_EDGES) | st.integers(1, 2**31 - 1))
def test_remainders_of_many_hashes_are_exact_also_around_multiples(data: st.DataObject, divisor: int) -> None:
    most = 2**31 - 1
    multiples = st.integers(0, most // divisor).map(lambda factor: factor * divisor)
    around = st.builds(lambda multiple, step: min(max(0, multiple + step), most), multiples, st.integers(-1, 1))
    hashes = data.draw(st.lists(around | st.sampled_from([0, most]) | st.integers(0, most), min_size=1, max_size=20))
    lanes = int.from_bytes(b"".join(one.to_bytes(8, "little") for one in hashes), "little")
    remainders = _unpack(_modulo(lanes, divisor, len(hashes)), divisor, len(hashes))
    assert remainders == [one % divisor for one in hashes]
