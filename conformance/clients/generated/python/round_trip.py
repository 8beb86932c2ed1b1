"""A round trip with the client that openapi-python-client makes from openapi.json."""

import base64
import sys

from kafka_do_protocol_client import Client
from kafka_do_protocol_client.api.records import fetch_partition, produce_partition
from kafka_do_protocol_client.api.topics import create_topic, delete_topic
from kafka_do_protocol_client.models import (
    CreateTopicRequest,
    FetchedPartition,
    FetchedRecord,
    Problem,
    ProducePartitionRecord,
    ProducePartitionRequest,
    ProduceResponse,
    RecordHeader,
    TextEncoding,
    Topic,
    ValueEncoding,
)

TOPIC = "generated-python"
PARTITION = 1
BYTES = b"\x00\xff"


def main(url: str) -> None:
    """Create a topic, append two records, read them, meet an error, delete the topic."""
    with Client(base_url=url) as client:
        created = create_topic.sync(client=client, body=CreateTopicRequest(topic=TOPIC, partitions=2))
        assert isinstance(created, Topic), created

        produced = produce_partition.sync(TOPIC, PARTITION, client=client, body=ProducePartitionRequest(records()))
        assert isinstance(produced, ProduceResponse), produced
        assert [result.offset for result in produced.results] == [0, 1]

        fetched = fetch_partition.sync(TOPIC, PARTITION, client=client, offset=0)
        assert isinstance(fetched, FetchedPartition), fetched
        check(*fetched.records)
        assert fetched.next_offset == 2

        problem = fetch_partition.sync(TOPIC, PARTITION, client=client, offset=900)
        assert isinstance(problem, Problem), problem
        assert (problem.code, problem.high_watermark) == ("offset_out_of_range", 2)

        assert delete_topic.sync_detailed(TOPIC, client=client).status_code == 204


def records() -> list[ProducePartitionRecord]:
    """Return a record of JSON and text, and one of bytes that are neither."""
    coded = base64.b64encode(BYTES).decode()
    return [
        ProducePartitionRecord(key="a", value={"order": 1}, headers=[RecordHeader(key="trace", value="x")]),
        ProducePartitionRecord(
            key=coded, key_encoding=TextEncoding.BASE64, value=coded, value_encoding=ValueEncoding.BASE64
        ),
    ]


def check(first: FetchedRecord, second: FetchedRecord) -> None:
    """Compare what was read with what was written."""
    assert (first.offset, first.key, first.value) == (0, "a", {"order": 1})
    assert [(header.key, header.value) for header in first.headers] == [("trace", "x")]
    assert (second.offset, second.key_encoding, second.value_encoding) == (1, "base64", "base64")
    assert second.key is not None
    assert base64.b64decode(second.key) == base64.b64decode(second.value) == BYTES


main(sys.argv[1])
