"""The table in spec/client.md: every name that the Go client exports, and one here that exists."""

import inspect
import re
from pathlib import Path

import pytest

import kafka_do
import kafka_do.streams
from kafka_do import testing

_PAGE = (Path(__file__).resolve().parents[2] / "spec" / "client.md").read_text("utf-8").partition("## From Go")[2]
_ROWS = re.findall(r"^\| `([\w.]+)`[^|]*\| `([^`]+)` \|$", _PAGE, re.MULTILINE)
_NAME = re.compile(r"(?P<path>[\w.]+)(?:\((?P<option>\w+)\))?")

# What the seed's README exports, by the sections of its API reference, options, errors and mock.
_EXPORTED = [
    "NewClient",
    "Client.Close",
    "Client.Producer",
    "Client.AsyncProducer",
    "Client.Consumer",
    "Client.Admin",
    "Producer.Send",
    "Producer.SendBatch",
    "AsyncProducer.Send",
    "AsyncProducer.Reports",
    "AsyncProducer.Close",
    "Consumer.Messages",
    "Consumer.Batches",
    "Consumer.Close",
    "Message.Topic",
    "Message.Partition",
    "Message.Offset",
    "Message.Key",
    "Message.Value",
    "Message.Timestamp",
    "Message.Headers",
    "Message.Commit",
    "Batch.Messages",
    "Batch.Commit",
    "DeliveryReport",
    "WithURL",
    "WithAPIKey",
    "WithTimeout",
    "WithRetries",
    "WithLogger",
    "WithBatchSize",
    "WithLingerMs",
    "WithAcks",
    "AcksAll",
    "WithProducerRetries",
    "WithOffset",
    "WithOffsetTime",
    "OffsetEarliest",
    "OffsetLatest",
    "WithAutoCommit",
    "WithFetchMinBytes",
    "WithFetchMaxWaitMs",
    "WithMaxPollRecords",
    "WithSessionTimeout",
    "WithHeartbeatInterval",
    "WithBatchTimeout",
    "CreateTopic",
    "ListTopics",
    "DescribeTopic",
    "AlterTopic",
    "DeleteTopic",
    "ListGroups",
    "DescribeGroup",
    "ResetOffsets",
    "ResetOffsetsToTime",
    "TopicConfig.Partitions",
    "TopicConfig.RetentionMs",
    "Error.Code",
    "Error.Message",
    "Error.Retriable",
    "ErrTopicNotFound",
    "ErrPartitionNotFound",
    "ErrMessageTooLarge",
    "ErrNotLeader",
    "ErrOffsetOutOfRange",
    "ErrGroupCoordinator",
    "ErrRebalanceInProgress",
    "ErrUnauthorized",
    "ErrQuotaExceeded",
    "ErrClosed",
    "ErrDisconnected",
    "Client.Seed",
    "Client.GetMessages",
    "mock.NewClient",
    "NewTypedProducer",
    "NewTypedConsumer",
    "WithCompression",
    "CompressionGzip",
    "NewStream",
    "NewTypedStream",
    "Stream",
    "Stream.Filter",
    "Stream.Map",
    "Stream.FlatMap",
    "Stream.Window",
    "Stream.GroupBy",
    "Stream.Branch",
    "Stream.Join",
    "Stream.To",
    "Stream.Results",
    "Branch",
    "TumblingWindow",
    "JoinOn",
    "JoinWindow",
]


@pytest.mark.parametrize(("go", "ours"), _ROWS)
def test_what_the_table_names_is_there(go: str, ours: str) -> None:
    name = _NAME.fullmatch(ours)
    assert name is not None
    found: object = kafka_do if not ours.startswith("testing.") else testing
    attribute: object = None
    for part in name["path"].removeprefix("testing.").split("."):
        attribute = getattr(found, part, None)
        if attribute is None:  # what only instances have stands in the constructor
            assert isinstance(found, type), go
            assert f"self.{part} =" in inspect.getsource(found), go
        found = attribute if attribute is not None else found
    if name["option"]:
        assert callable(attribute)
        assert name["option"] in inspect.signature(attribute).parameters


def test_every_name_of_the_seed_is_in_the_table() -> None:
    listed = {go for go, _ in _ROWS}
    assert [name for name in _EXPORTED if name not in listed] == []
