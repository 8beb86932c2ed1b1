"""Pipelines as data: the schema, what reads them, and what builds them agree."""

import json
import re
from typing import Any

import jsonschema
import pytest

from kafka_do.spec import data_root
from kafka_do.streams import (
    ProcessingError,
    Session,
    Stream,
    StreamDriver,
    Table,
    TopologyError,
    Tumbling,
    Within,
    aggregate,
    item,
    key,
    left,
    read_topology,
    right,
    timestamp_ms,
    value,
    window,
)

_ROOT = data_root()
_SCHEMA = jsonschema.Draft202012Validator(json.loads((_ROOT / "spec" / "topology.schema.json").read_text("utf-8")))
_FILES = sorted((_ROOT / "fixtures").glob("processing_*.json"))
_VECTORS = [vector for path in _FILES for vector in json.loads(path.read_text("utf-8"))["vectors"]]


@pytest.mark.parametrize("path", _FILES, ids=[path.stem for path in _FILES])
def test_the_fixtures_have_their_form(path: Any) -> None:
    schema = json.loads((_ROOT / "fixtures" / "processing.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(path.read_text("utf-8")), schema)


def test_each_result_of_kafka_streams_is_either_required_or_told_to_be_an_accident() -> None:
    contents = [json.loads(path.read_text("utf-8")) for path in _FILES]
    accidents = [accident for content in contents for accident in content.get("accidents", ())]
    names = [one["name"] for one in [*_VECTORS, *accidents]]
    assert len(set(names)) == len(names)
    chapter = (_ROOT / "spec" / "processing.md").read_text("utf-8")
    deviations = {name for accident in accidents for name in re.findall(r"D-\d+", accident["why"])}
    assert deviations
    assert {name for name in deviations if not re.search(rf"\b{name}\b", chapter)} == set()


@pytest.mark.parametrize("vector", _VECTORS, ids=[vector["name"] for vector in _VECTORS])
def test_a_document_has_the_form_unless_it_is_refused_for_it(vector: dict[str, Any]) -> None:
    assert _SCHEMA.is_valid(vector["topology"]) is ("PROC-002" not in vector["requirements"])


@pytest.mark.parametrize("vector", [v for v in _VECTORS if "steps" in v], ids=lambda vector: vector["name"])
def test_a_document_that_is_read_can_be_told_again(vector: dict[str, Any]) -> None:
    told = read_topology(vector["topology"]).document()
    assert _SCHEMA.is_valid(told)
    assert read_topology(told) == read_topology(vector["topology"])


def _everything() -> Any:
    orders = Stream("orders").filter(value["amount"] > 100).map(value.extend(tier="premium"), key=key)
    words = orders.flat_map(value["text"].split(" "), key=item, value=timestamp_ms / 2)
    ways = words.branch(us=value["region"].starts_with("u"), other=True)
    counts = ways["us"].merge(ways["other"]).window(Tumbling(size_ms=5)).group_by(value["id"]).count(emit="final")
    sessions = words.group_by().window(Session(gap_ms=5)).aggregate(0, aggregate + 1, merge=left + right)
    pairs = counts.join(sessions, within=Within(before_ms=1, after_ms=2), on=(key, value["id"]), type="outer")
    met = pairs.join(words, within=Within(before_ms=1, after_ms=2), on=(left["a"] == right["b"]) & ~(left < right))
    told = met.join_table(Table("names"), key=window["start_ms"], value=left).through("copy")
    return told.group_by(key).reduce(aggregate - value).results() | told.to("out") | ways["us"].to("us")


def test_what_is_built_is_a_document_of_the_schema() -> None:
    document = _everything().topology().document()
    _SCHEMA.validate(document)
    assert read_topology(document).document() == document
    operators = [node["operator"] for node in document["nodes"]]
    assert operators.count("filter") == operators.count("branch") == 1
    assert operators.count("join") == 2


def test_building_changes_nothing_that_was_built() -> None:
    orders = Stream("orders")
    large = orders.filter(value > 10)
    before = large.results().topology().document()
    assert orders.map(value * 2) is not orders
    assert large.filter(value < 20) is not large
    assert large.results().topology().document() == before


def test_window_and_group_by_may_be_told_in_either_order() -> None:
    windows = Tumbling(size_ms=5)
    one = Stream("in").window(windows).group_by(value["k"]).count().results()
    other = Stream("in").group_by(value["k"]).window(windows).count().results()
    assert one.topology().document() == other.topology().document()


def test_a_pipeline_with_functions_runs_but_is_no_document() -> None:
    pipeline = Stream("in").filter(lambda record: record.value > 1).map(lambda record: record.value * 2).results()
    driver = StreamDriver(pipeline)
    assert [driver.send("in", number, timestamp_ms=0) for number in (1, 2)] == [[], [(None, None, 4, 0, None)]]
    with pytest.raises(TopologyError, match=r"/nodes/1/where.*function of Python"):
        pipeline.topology().document()


def test_functions_get_what_expressions_would_know_by_name() -> None:
    grouped = Stream("in").group_by(lambda record: record.value["k"])
    assert StreamDriver(grouped.reduce(lambda so_far, new: {**so_far, **new}).results()).send(
        "in", {"k": "a"}, timestamp_ms=1
    ) == [(None, "a", {"k": "a"}, 1, None)]
    driver = StreamDriver(grouped.aggregate([], lambda so_far, record: [*so_far, record.timestamp_ms]).results())
    driver.send("in", {"k": "a"}, timestamp_ms=1)
    assert driver.send("in", {"k": "a"}, timestamp_ms=2)[0].value == [1, 2]


def test_a_function_that_raises_is_told_with_its_node_and_record() -> None:
    driver = StreamDriver(Stream("in").map(lambda record: record.value["missing"]).results())
    with pytest.raises(ProcessingError, match=r"map: KeyError: 'missing'; key 'k', timestamp_ms 7, topic 'in'"):
        driver.send("in", {}, key="k", timestamp_ms=7)


@pytest.mark.parametrize("time", [-1, 2**53, 1.5, True, None])
def test_a_time_that_no_record_can_have_is_refused(time: Any) -> None:
    driver = StreamDriver(Stream("in").results())
    with pytest.raises(ValueError, match="timestamp_ms is an integer from 0 to"):
        driver.send("in", 1, timestamp_ms=time)


def test_a_topic_that_is_not_read_and_a_key_that_is_no_text_are_refused() -> None:
    driver = StreamDriver(Stream("in").results())
    with pytest.raises(ValueError, match=r"reads in, not out"):
        driver.send("out", 1, timestamp_ms=0)
    with pytest.raises(ValueError, match="a key is a string or None"):
        driver.send("in", 1, key=7, timestamp_ms=0)  # type: ignore[arg-type]


def test_an_expression_has_no_truth_of_its_own() -> None:
    with pytest.raises(TypeError, match=r"combine expressions with & \| ~"):
        assert value["a"] > 1 and value["b"] > 1  # noqa: PT018
    with pytest.raises(TypeError, match="cannot be walked through"):
        list(value["items"])


@pytest.mark.parametrize("document", [None, 7, [], {}, {"version": 1, "nodes": []}, {"version": 1, "nodes": {}}])
def test_what_is_no_document_is_refused_with_words(document: Any) -> None:
    with pytest.raises(TopologyError):
        read_topology(document)
