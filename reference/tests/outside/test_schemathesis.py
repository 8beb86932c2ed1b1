"""What schemathesis says of the reference server: requests made from openapi.json, answers held against it.

`OUTSIDE_EXAMPLES` asks for more requests than the few that every change is tried with, `OUTSIDE_SEED` for other ones.
"""

import itertools
import os
import re
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation

from kafka_do.spec import SPEC, data_root

_EXAMPLES = int(os.environ.get("OUTSIDE_EXAMPLES", "25"))
_SEED = os.environ.get("OUTSIDE_SEED")
_CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"database": "none"},
        "output": {"sanitization": {"enabled": False}},
        "checks": {
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
            "positive_data_acceptance": {"enabled": False},  # `_check_refusal` is stricter: it looks at code and place
        },
    }
)
pytest_plugins = ["schemathesis.pytest.plugin"]  # only here: other runs do not pay for its import
_SCHEMA = schemathesis.openapi.from_path(data_root() / "spec" / "generated" / "openapi.json", config=_CONFIG).exclude(
    tag="control"  # a reset or a fault would change what the other requests find; the suite's own cases judge these
)
_PARTITIONS = 3
_RECORDS = [
    {"key": "a", "value": {"amount": 1.50}},
    {"key": "/wA=", "key_encoding": "base64", "value": "plain", "value_encoding": "string"},
    {"value": "AP8=", "value_encoding": "base64", "headers": [{"key": "h", "value": None}, {"key": "h", "value": "x"}]},
    {"key": "a", "value": None},
]
_LONGEST_WAIT_MS = 5
_WAITS = range(_LONGEST_WAIT_MS, SPEC.ranges["MaxWait"][1] + 1)
_OFFSET = re.compile(r"[0-9]{1,15}")
_OF_FORM = {"invalid_request", "unsupported_media_type", "request_too_large"}
_BEYOND_A_SCHEMA = re.compile(
    r"/records/[0-9]+(/headers/[0-9]+)?/(key|value)|/(offsets|partitions)/[0-9]+"
    r"|/owned|/instance_id|\?(page_token|member|instance_id)"
)
"""Where a request that fits its schema can be malformed: a text that is not what its encoding says, a made-up token, a
partition that stands twice, a member that joins and owns, an id that is none."""

Case = schemathesis.Case[Any]

_topics = itertools.count(1)


@pytest.fixture
def topic(served_alone: str) -> str:
    """Make a topic that has records, and return its name."""
    name = f"schemathesis-{next(_topics)}"
    _make_topic(served_alone, name)
    return name


@pytest.fixture
def statuses() -> Iterator[set[int]]:
    """Collect the statuses of a test's answers; a test that saw no success or no refusal has tried too little."""
    seen: set[int] = set()
    yield seen
    assert {status // 100 for status in seen} >= {2, 4}, f"only these statuses were seen: {sorted(seen)}"


def _seed(test: Any) -> Any:
    return test if _SEED is None else hypothesis.seed(int(_SEED))(test)


@_SCHEMA.parametrize()
@_seed
@hypothesis.settings(
    max_examples=_EXAMPLES,
    derandomize=_SEED is None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_an_answer_is_one_that_the_document_has(case: Case, served_alone: str, topic: str, statuses: set[int]) -> None:
    _aim(case, topic)
    _wait_briefly(case)
    if _name(case) == "delete_topic":
        _make_topic(served_alone, topic)
    if "group" in case.path_parameters:
        _make_group(served_alone, topic, member=_name(case) == "leave_group")
    response = case.call(base_url=served_alone)
    statuses.add(response.status_code)
    case.validate_response(response)
    if response.status_code >= 400:
        _check_refusal(case, response.status_code, response.json())


def _make_topic(url: str, name: str) -> None:
    made = httpx.post(f"{url}/v1/topics", json={"topic": name, "partitions": _PARTITIONS})
    if made.status_code == 201:
        for partition in range(_PARTITIONS):
            records = f"{url}/v1/topics/{name}/partitions/{partition}/records"
            httpx.post(records, json={"records": _RECORDS}).raise_for_status()


def _make_group(url: str, name: str, *, member: bool) -> None:
    """Make a group that has committed something, with a member of its name or without members."""
    commit = {"offsets": [{"topic": name, "partition": 0, "offset": 1}]}
    place = f"{url}/v1/groups/{name}/members/{name}"
    httpx.delete(place)
    httpx.post(f"{url}/v1/groups/{name}/offsets/commit", json=commit)
    if member:
        join = {"member_epoch": 0, "topics": [name], "owned": [], "rebalance_timeout_ms": 1000}
        httpx.put(place, json=join).raise_for_status()


def _aim(case: Case, topic: str) -> None:
    """Turn three of four requests to a place that exists; those made up hardly ever find one."""
    if _choose(case.path_parameters) and not _is_negative(case, ParameterLocation.PATH):
        _place(case.path_parameters, topic)
        if _OFFSET.fullmatch(str((case.query or {}).get("offset"))):  # else 416 would hide what is wrong beside it
            case.query["offset"] = int(case.query["offset"]) % (len(_RECORDS) + 1)
    last = str(dict[str, Any](case.headers or ()).get("Last-Event-ID", "0"))
    if not _OFFSET.fullmatch(last):  # only a stream of events looks at it, and takes an empty one for none
        case.headers.update({"Accept": "text/event-stream", "Last-Event-ID": last or "-"})
    if _is_positive(case) and isinstance(case.body, dict):
        body: dict[str, Any] = _write_integers(case.body)
        case.body = body
        if _choose(body):
            _simplify(body, topic)
        for item in filter(_choose, [*_list(body, "partitions"), *_list(body, "offsets")]):
            item.pop("topic_id", None)
            _place(item, topic)
        for record in filter(_choose, _list(body, "records")):
            if "partition" in record:
                record["partition"] %= _PARTITIONS


def _simplify(body: dict[str, Any], topic: str) -> None:
    """Take from a body what only fits by chance: ids and epochs that a server gave out, names of configs."""
    for name in {"topic_id", "member", "producer", "instance_id"} & body.keys():
        del body[name]
    if "topic" in body:  # a topic to be made
        body["topic"] = f"{topic}-{next(_topics)}"
        body.pop("configs", None)
    if "member_epoch" in body:
        body.update(member_epoch=0, topics=[topic], owned=[])


def _list(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = body.get(name)
    return items if isinstance(items, list) else []


def _choose(made: Any) -> bool:
    return bool(zlib.crc32(repr(made).encode("utf-8", "replace")) % 4)


def _place(values: dict[str, Any], topic: str) -> None:
    for name in {"topic", "group", "member"} & values.keys():
        values[name] = topic
    if "partition" in values:
        values["partition"] = int(values["partition"]) % _PARTITIONS
    if "offset" in values:
        values["offset"] %= len(_RECORDS) + 1


def _write_integers(node: Any) -> Any:
    """Write integers as the protocol does: JSON Schema takes 3.0 for one."""
    if isinstance(node, dict):
        return {name: _write_integers(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_write_integers(value) for value in node]
    return int(node) if isinstance(node, float) and node.is_integer() else node


def _wait_briefly(case: Case) -> None:
    """Let no fetch wait for records that nobody will send."""
    asked = {"fetch": case.body, "fetch_partition": case.query}.get(_name(case))
    if isinstance(asked, dict):
        wait = asked.get("max_wait_ms", _LONGEST_WAIT_MS)
        if isinstance(wait, int) and wait in _WAITS:
            asked["max_wait_ms"] = _LONGEST_WAIT_MS


def _name(case: Case) -> str:
    return str(case.operation.definition.raw["operationId"])


def _is_positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode == schemathesis.GenerationMode.POSITIVE


def _is_negative(case: Case, place: ParameterLocation) -> bool:
    component = case.meta.components.get(place) if case.meta is not None else None
    return component is not None and component.mode == schemathesis.GenerationMode.NEGATIVE


def _check_refusal(case: Case, status: int, problem: dict[str, Any]) -> None:
    """Hold the code against the document, and against the request: one that fits its schema is not malformed."""
    if case.method.upper() != case.operation.method.upper():
        assert (status, problem["code"]) == (405, "method_not_allowed")
        return
    documented = case.operation.definition.raw["responses"][str(status)]["content"]["application/problem+json"]
    assert problem["code"] in documented["examples"]
    assert problem["status"] == status
    if _is_positive(case) and problem["code"] in _OF_FORM:
        assert problem["code"] == "invalid_request"
        assert [e for e in problem["errors"] if not _BEYOND_A_SCHEMA.fullmatch(e["pointer"])] == []
