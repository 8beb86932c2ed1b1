"""The catalogue of errors and the table of Kafka's errors, against fixtures that repeat both."""

import copy
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kafka_do.spec import SPEC, data_root
from kafka_do_spec.check import faults
from kafka_do_spec.sources import Sources, read

_ROOT = Path(__file__).resolve().parents[2]
_FIXTURES = data_root() / "fixtures"
_ERRORS: dict[str, Any] = json.loads((_FIXTURES / "errors.json").read_text("utf-8"))
_KAFKA: dict[str, Any] = json.loads((_FIXTURES / "kafka_errors.json").read_text("utf-8"))
_PROTOCOL: dict[str, Any] = yaml.safe_load((_ROOT / "spec" / "protocol.yaml").read_text("utf-8"))

_DEFAULTS = {row["constant"]: row for row in _KAFKA["rows"] if row["operation"] is None and row["when"] is None}
_EXCEPTIONS = [row for row in _KAFKA["rows"] if row not in _DEFAULTS.values()]
_codes = pytest.mark.parametrize("code", SPEC.errors)


def _code(row: dict[str, Any]) -> str | None:
    return None if row["code"] == "success" else str(row["code"])


@pytest.mark.parametrize("fixture", [_ERRORS, _KAFKA], ids=["errors", "kafka_errors"])
def test_a_fixture_has_the_form_that_its_schema_says(fixture: dict[str, Any]) -> None:
    schema = json.loads((_FIXTURES / fixture["$schema"]).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(fixture)


# ---- the catalogue


def test_the_catalogue_is_what_the_fixture_says() -> None:
    assert [
        {
            "code": code,
            "status": entry.status,
            "retriable": entry.retriable,
            "indeterminate": entry.indeterminate,
            "action": entry.action,
        }
        | ({"retriable_with_producer": entry.with_producer.retriable} if entry.with_producer else {})
        for code, entry in SPEC.errors.items()
    ] == _ERRORS["rows"]


@pytest.mark.parametrize(
    ("code", "status", "retriable"),
    [
        ("topic_not_found", 404, False),
        ("partition_not_found", 404, False),
        ("message_too_large", 413, False),
        ("not_leader", 503, True),
        ("offset_out_of_range", 416, False),
        ("group_coordinator", 503, True),
        ("rebalance_in_progress", 409, False),
        ("unauthorized", 401, False),
        ("quota_exceeded", 429, True),
    ],
)
def test_the_nine_first_codes_have_their_statuses(code: str, status: int, *, retriable: bool) -> None:
    entry = SPEC.errors[code]
    assert (entry.status, entry.retriable, entry.indeterminate) == (status, retriable, False)


@_codes
def test_a_code_has_a_page_that_tells_its_status(code: str) -> None:
    page = (_ROOT / "spec" / "generated" / "errors" / f"{code}.md").read_text("utf-8")
    assert f"| Status | {SPEC.errors[code].status or 'none'} |" in page


@_codes
def test_a_code_belongs_to_a_level_of_the_protocol(code: str) -> None:
    assert SPEC.errors[code].level in _PROTOCOL["levels"]


@_codes
def test_a_status_below_500_says_that_the_effect_is_known(code: str) -> None:
    entry = SPEC.errors[code]
    assert entry.status is None or entry.status >= 500 or not entry.indeterminate


@_codes
def test_what_is_retriable_is_to_be_sent_again_at_once_or_later(code: str) -> None:
    entry = SPEC.errors[code]
    assert not entry.retriable or entry.action in ("retry", "wait")


@_codes
def test_an_unknown_effect_is_retriable_with_a_producer_and_only_so(code: str) -> None:
    entry = SPEC.errors[code]
    assert not (entry.retriable and entry.indeterminate)
    assert (entry.with_producer is not None and entry.with_producer.retriable) == entry.indeterminate


@_codes
def test_a_member_that_is_always_there_is_not_optional_too(code: str) -> None:
    entry = SPEC.errors[code]
    assert not set(entry.fields) & set(entry.optional)


def test_only_clients_raise_codes_without_a_status() -> None:
    assert [code for code, entry in SPEC.errors.items() if entry.status is None] == ["disconnected", "closed"]


# ---- Kafka's errors


def test_the_fixture_has_every_constant_and_number_once() -> None:
    assert len(_DEFAULTS) == 134
    assert sorted(row["number"] for row in _DEFAULTS.values()) == [-1, *range(1, 134)]
    places = Counter((row["operation"], row["when"], row["constant"]) for row in _KAFKA["rows"])
    assert max(places.values()) == 1
    assert all(row["number"] == _DEFAULTS[row["constant"]]["number"] for row in _EXCEPTIONS)


def test_the_tables_have_the_rows_of_the_fixture_and_no_others() -> None:
    assert SPEC.kafka.default == {constant: row["code"] for constant, row in _DEFAULTS.items()}
    assert [
        (operation, None, constant, code)
        for operation, table in SPEC.kafka.overrides.items()
        for constant, code in table.items()
    ] + [(None, "topic_exists", constant, code) for constant, code in SPEC.kafka.when_topic_exists.items()] == sorted(
        ((row["operation"], row["when"], row["constant"], row["code"]) for row in _EXCEPTIONS),
        key=lambda row: row[0] is None,
    )


@pytest.mark.parametrize("operation", SPEC.kafka.operations)
@pytest.mark.parametrize("topic_exists", [False, True])
def test_each_operation_and_constant_has_the_one_code_of_the_fixture(operation: str, *, topic_exists: bool) -> None:
    expected = {constant: _code(row) for constant, row in _DEFAULTS.items()}
    expected |= {row["constant"]: _code(row) for row in _EXCEPTIONS if row["when"] and topic_exists}
    expected |= {row["constant"]: _code(row) for row in _EXCEPTIONS if row["operation"] == operation}
    found = {constant: SPEC.kafka.code_of(operation, constant, topic_exists=topic_exists) for constant in _DEFAULTS}
    assert found == expected


@pytest.mark.parametrize("code", sorted({row["code"] for row in _KAFKA["rows"]} - {"success"}))
def test_a_code_of_the_fixture_is_one_that_servers_raise(code: str) -> None:
    assert SPEC.errors[code].raised_by == "server"


@pytest.mark.parametrize(
    ("operation", "constant", "code"),
    [
        ("heartbeat", "GROUP_ID_NOT_FOUND", "unknown_member"),
        ("leave", "GROUP_ID_NOT_FOUND", "unknown_member"),
        ("commit_member", "GROUP_ID_NOT_FOUND", "unknown_member"),
        ("join", "GROUP_ID_NOT_FOUND", "group_type_conflict"),
        ("delete_group", "GROUP_ID_NOT_FOUND", "group_not_found"),
        ("commit", "UNKNOWN_MEMBER_ID", "group_not_empty"),
        ("reset", "UNKNOWN_MEMBER_ID", "group_not_empty"),
        ("commit_member", "UNKNOWN_MEMBER_ID", "unknown_member"),
        ("commit_member", "STALE_MEMBER_EPOCH", "rebalance_in_progress"),
        ("heartbeat", "FENCED_MEMBER_EPOCH", "fenced_member_epoch"),
        ("produce", "DUPLICATE_SEQUENCE_NUMBER", None),
        ("produce", "NOT_LEADER_OR_FOLLOWER", "timeout"),
        ("fetch", "NOT_LEADER_OR_FOLLOWER", "not_leader"),
        ("fetch", "REQUEST_TIMED_OUT", "unavailable"),
        ("produce", "UNKNOWN_TOPIC_OR_PARTITION", "topic_not_found"),
    ],
)
def test_the_operation_decides_where_kafka_has_one_constant_for_two_things(
    operation: str, constant: str, code: str | None
) -> None:
    assert SPEC.kafka.code_of(operation, constant) == code


def test_where_the_topic_exists_it_is_the_partition_that_does_not() -> None:
    found = SPEC.kafka.code_of("produce", "UNKNOWN_TOPIC_OR_PARTITION", topic_exists=True)
    assert found == "partition_not_found"


def test_a_constant_of_a_later_kafka_is_a_fault_of_the_server() -> None:
    assert SPEC.kafka.code_of("fetch", "MOON_PHASE_NOT_FOUND") == "internal"


def test_an_operation_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="fetsch"):
        SPEC.kafka.code_of("fetsch", "OFFSET_OUT_OF_RANGE")


# ---- the checker


@pytest.fixture(scope="module")
def sources() -> Sources:
    return read(_ROOT)


def _drop_level(sources: Sources) -> None:
    del sources.errors["timeout"]["level"]


def _invent_code(sources: Sources) -> None:
    sources.kafka["default"]["REQUEST_TIMED_OUT"] = "too_late"


def _drop_constant(sources: Sources) -> None:
    del sources.kafka["default"]["REQUEST_TIMED_OUT"]


def _invent_operation(sources: Sources) -> None:
    sources.kafka["overrides"]["fetsch"] = {"REQUEST_TIMED_OUT": "unavailable"}


def _repeat_default(sources: Sources) -> None:
    sources.kafka["overrides"]["produce"]["CORRUPT_MESSAGE"] = "invalid_record"


def _map_to_client_code(sources: Sources) -> None:
    sources.kafka["overrides"]["produce"]["NETWORK_EXCEPTION"] = "disconnected"


def _make_unknown_effect_retriable(sources: Sources) -> None:
    sources.errors["timeout"]["retriable"] = True


def _make_refusal_indeterminate(sources: Sources) -> None:
    sources.errors["quota_exceeded"] |= {"indeterminate": True, "retriable": False}


def _forget_producer(sources: Sources) -> None:
    del sources.errors["timeout"]["with_producer"]


def _retry_by_fixing(sources: Sources) -> None:
    sources.errors["unavailable"]["action"] = "fix"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (_drop_level, "timeout: protocol.yaml has no level None"),
        (_invent_code, "REQUEST_TIMED_OUT: there is no code too_late"),
        (_drop_constant, "REQUEST_TIMED_OUT stands in only one of"),
        (_invent_operation, "fetsch is none of the operations"),
        (_repeat_default, "CORRUPT_MESSAGE repeats the default"),
        (_map_to_client_code, "only clients raise disconnected"),
        (_make_unknown_effect_retriable, "timeout: a plain request whose effect is unknown is not retriable"),
        (_make_refusal_indeterminate, "quota_exceeded: the status 429 says that nothing was done"),
        (_forget_producer, "timeout: with_producer is {retriable: true} exactly if"),
        (_retry_by_fixing, "unavailable is retriable, so its action is retry or wait, not fix"),
    ],
)
def test_the_checker_names_a_fault_of_the_catalogue(
    sources: Sources, spoil: Callable[[Sources], None], fault: str
) -> None:
    spoiled = copy.deepcopy(sources)
    assert [line for line in faults(spoiled, {}) if fault in line] == []
    spoil(spoiled)
    assert [line for line in faults(spoiled, {}) if fault in line] != []
