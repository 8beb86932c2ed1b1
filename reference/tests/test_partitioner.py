"""Which partition a record goes to, against the hashes and partitions that Apache Kafka computes."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.partitioner import Spread, murmur2, partition_of_key
from kafka_do.spec import data_root

_FIXTURES = data_root() / "fixtures"
_FIXTURE: dict[str, Any] = json.loads((_FIXTURES / "murmur2.json").read_text("utf-8"))
_rows = pytest.mark.parametrize("row", _FIXTURE["rows"], ids=lambda row: row["key_hex"][:24] or "empty")


def test_the_fixture_has_the_form_that_its_schema_says() -> None:
    schema = json.loads((_FIXTURES / _FIXTURE["$schema"]).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(_FIXTURE)


def test_the_fixture_says_for_rows_of_its_own_where_they_come_from() -> None:
    keys = {row["key_hex"] for row in _FIXTURE["rows"]}
    named = [key for origin in _FIXTURE["provenance"] for key in origin.get("keys_hex", ())]
    assert len(keys) == len(_FIXTURE["rows"])
    assert set(named) <= keys


@_rows
def test_the_hash_is_kafkas(row: dict[str, Any]) -> None:
    assert murmur2(bytes.fromhex(row["key_hex"])) == row["murmur2_int32"] % 2**32


@_rows
def test_the_partition_is_kafkas(row: dict[str, Any]) -> None:
    key = bytes.fromhex(row["key_hex"])
    assert {count: partition_of_key(key, int(count)) for count in row["partitions"]} == row["partitions"]


@settings(deadline=None, max_examples=200)
@given(st.binary(), st.integers(1, 2**31 - 1))
def test_every_key_has_one_of_the_partitions_and_always_the_same(key: bytes, count: int) -> None:
    assert 0 <= murmur2(key) < 2**32
    assert 0 <= partition_of_key(key, count) < count
    assert partition_of_key(key, count) == partition_of_key(bytes(bytearray(key)), count)


def test_requests_without_keys_take_the_partitions_in_turn() -> None:
    spread = Spread()
    assert [spread.next(3) for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
