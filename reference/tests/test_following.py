"""Reading a topic without a group, in process and on virtual time."""

from collections.abc import Iterator
from typing import Any

import pytest

from kafka_do import KafkaError
from kafka_do.client.consuming import Start
from kafka_do.client.driving import drive
from kafka_do.client.following import Following
from kafka_do.testing import MockClient

_MINUTE_MS = 60_000


@pytest.fixture
def client() -> Iterator[MockClient]:
    with MockClient() as client:
        client.admin().create_topic("t", partitions=2)
        client.producer("t").send_batch([{"n": number} for number in range(3)])
        yield client


def _following(client: MockClient, start: Start = "earliest", partitions: list[int] | None = None) -> Following:
    following = Following(client._session, "t", start, partitions=partitions)
    drive(following.begin())
    return following


def _values(following: Following, timeout_ms: int = 0) -> list[Any]:
    found = []
    while messages := drive(following.poll(timeout_ms)):
        found += [message.value for message in messages]
    return sorted(found, key=str)


def test_what_came_after_the_end_was_looked_up_is_not_read(client: MockClient) -> None:
    following = Following(client._session, "t", "earliest")
    drive(following.stop_at_end())
    client.producer("t").send_batch([9] * 4)
    assert _values(following) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_the_end_of_a_topic_without_records_is_reached_at_once(client: MockClient) -> None:
    client.admin().delete_records("t", {0: None, 1: None})
    following = Following(client._session, "t", "earliest")
    drive(following.stop_at_end())
    assert drive(following.poll(_MINUTE_MS)) == []


def test_a_partition_that_a_topic_gets_is_read_from_its_first_record(client: MockClient) -> None:
    following = _following(client, "latest")
    assert _values(following) == []
    client.admin().alter_topic("t", partitions=3)
    client.producer("t").send("new", partition=2)
    assert _values(following) == []
    client.advance(_MINUTE_MS)
    assert _values(following) == ["new"]


def test_only_the_wanted_partitions_are_read(client: MockClient) -> None:
    client.producer("t").send("other", partition=0)
    client.producer("t").send("wanted", partition=1)
    assert "wanted" in _values(_following(client, partitions=[1]))
    assert "wanted" not in _values(_following(client, partitions=[0]))


def test_a_topic_made_anew_under_its_name_is_not_taken_for_the_one_before(client: MockClient) -> None:
    following = _following(client)
    assert len(_values(following)) == 3
    client.admin().delete_topic("t")
    client.admin().create_topic("t", partitions=2)
    client.advance(_MINUTE_MS)
    with pytest.raises(KafkaError, match="made anew") as raised:
        _values(following)
    assert raised.value.code == "topic_not_found"
