"""The blocking consumer, in this process and over HTTP: the same calls have the same outcome."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from kafka_do import Client, Consumer, KafkaError, ReceivedMessage

_PATIENCE_MS = 10_000
_ANSWER_MS = 200


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep proxies and addresses of the surroundings out of the tests."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("KAFKA_DO_URL", raising=False)
    monkeypatch.delenv("KAFKA_DO_API_KEY", raising=False)


@pytest.fixture(params=["memory", "http"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Return a client of a broker in this process, and one of a server in another."""
    url: str = request.getfixturevalue("served") if request.param == "http" else "memory://"
    with Client(url) as opened:
        yield opened


@pytest.fixture
def topic(client: Client) -> str:
    """Return the name of a new topic of two partitions with three records each."""
    name = f"t-{uuid.uuid4()}"
    client.admin().create_topic(name, partitions=2)
    _append(client, name, *[0, 1] * 3)
    return name


@pytest.fixture
def group() -> str:
    """Return the name of a new group."""
    return f"g-{uuid.uuid4()}"


def _append(client: Client, topic: str, *partitions: int) -> None:
    producer = client.producer(topic)
    for partition in partitions:
        producer.send({"to": partition}, partition=partition)


def _poll(consumer: Consumer, count: int) -> list[ReceivedMessage[Any]]:
    """Poll until there are so many messages."""
    messages: list[ReceivedMessage[Any]] = []
    while len(messages) < count:
        more = consumer.poll(_PATIENCE_MS)
        assert more, f"{len(messages)} of {count} messages came"
        messages += more
    return messages


def _places(messages: Sequence[ReceivedMessage[Any]]) -> list[tuple[int, int]]:
    return sorted((message.partition, message.offset) for message in messages)


_ALL = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_a_member_gets_every_record_of_its_partitions_once_in_their_order(
    client: Client, topic: str, group: str
) -> None:
    with client.consumer([topic], group) as consumer:
        messages = _poll(consumer, 6)
        assert consumer.assignment == [(topic, 0), (topic, 1)]
        assert [message.offset for message in messages if message.partition == 1] == [0, 1, 2]
        assert messages[0].value == {"to": messages[0].partition}
        assert _places(messages) == _ALL
        assert consumer.poll(0) == []
        _append(client, topic, 1)
        assert _places(_poll(consumer, 1)) == [(1, 3)]


def test_who_comes_after_a_commit_goes_on_behind_it_and_without_one_begins_anew(
    client: Client, topic: str, group: str
) -> None:
    with client.consumer([topic], group) as first:
        messages = _poll(first, 6)
        assert first.commit(message for message in messages if message.partition == 0) == {(topic, 0): 3}
    with client.consumer([topic], group) as second:
        assert _places(_poll(second, 3)) == [(1, 0), (1, 1), (1, 2)]
        assert second.commit() == {(topic, 1): 3}
        assert second.commit() == {(topic, 1): 3}
    _append(client, topic, 0, 1)
    with client.consumer([topic], group) as third:
        assert _places(_poll(third, 2)) == [(0, 3), (1, 3)]


def test_latest_begins_at_the_end_where_nothing_is_committed(client: Client, topic: str, group: str) -> None:
    with client.consumer([topic], group, start="latest") as consumer:
        while not consumer.assignment:
            assert consumer.poll(_ANSWER_MS) == []
        assert consumer.poll(_ANSWER_MS) == []
        _append(client, topic, 0, 1)
        assert _places(_poll(consumer, 2)) == [(0, 3), (1, 3)]


def test_the_partitions_of_a_static_member_wait_for_it(client: Client, topic: str, group: str) -> None:
    first = client.consumer([topic], group, instance_id="one")
    _poll(first, 6)
    first.commit()
    first.close(temporary=True)
    with client.consumer([topic], group) as other:
        assert other.poll(_ANSWER_MS) == []
        assert other.assignment == []
        _append(client, topic, 0, 1)
        with client.consumer([topic], group, instance_id="one") as again:
            assert {message.offset for message in _poll(again, 1)} == {3}


def test_an_instance_id_that_is_in_use_is_told_and_waited_for(client: Client, topic: str, group: str) -> None:
    first = client.consumer([topic], group, instance_id="one")
    _poll(first, 6)
    with client.consumer([topic], group, instance_id="one") as second:
        with pytest.raises(KafkaError) as caught:
            second.poll(_PATIENCE_MS)
        assert (caught.value.code, caught.value.retriable) == ("unreleased_instance_id", True)
        first.close()
        messages: list[ReceivedMessage[Any]] = []
        while not messages:
            messages = _poll_again(second)
        assert messages


def _poll_again(consumer: Consumer) -> list[ReceivedMessage[Any]]:
    with contextlib.suppress(KafkaError):
        return consumer.poll(_PATIENCE_MS)
    return []


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"assignor": "sticky"}, "unsupported_assignor"), ({"topics": ["a topic"]}, "invalid_topic_name")],
)
def test_a_member_that_is_refused_for_good_says_why_each_time(
    client: Client, topic: str, group: str, asked: dict[str, Any], code: str
) -> None:
    with client.consumer(**{"group": group, "topics": [topic], **asked}) as consumer:
        for ask in (lambda: consumer.poll(_PATIENCE_MS), consumer.commit):
            with pytest.raises(KafkaError) as caught:
                ask()
            assert caught.value.code == code


def test_a_topic_that_does_not_exist_yet_has_nothing_to_read(client: Client, topic: str, group: str) -> None:
    with client.consumer([f"{topic}-later"], group) as consumer:
        assert consumer.poll(_ANSWER_MS) == []


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda client: client.consumer([], "g"), "list of at least one name"),
        (lambda client: client.consumer(["orders"], "g", start="middle"), "earliest or latest"),
        (lambda client: client.consumer(["orders"], "g").close(temporary=True), "instance_id"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(client: Client, ask: Callable[[Client], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ask(client)


def test_nothing_is_left_after_closing_and_every_call_says_so(client: Client, topic: str, group: str) -> None:
    before = set(threading.enumerate())
    consumer = client.consumer([topic], group)
    assert len(set(threading.enumerate()) - before) == 1
    _poll(consumer, 6)
    consumer.close()
    consumer.close()
    assert set(threading.enumerate()) <= before
    assert consumer.assignment == []
    for ask in (lambda: consumer.poll(0), consumer.commit):
        with pytest.raises(KafkaError) as caught:
            ask()
        assert caught.value.code == "closed"


def test_a_client_that_is_closed_closes_its_consumers() -> None:
    with Client("memory://") as client:
        consumer = client.consumer(["orders"], "g")
    with pytest.raises(KafkaError) as caught:
        consumer.poll(0)
    assert caught.value.code == "closed"
    with pytest.raises(KafkaError) as caught:
        client.consumer(["orders"], "g")
    assert caught.value.code == "closed"


def test_a_server_that_is_not_there_is_told_at_the_end_of_the_poll() -> None:
    with Client("http://127.0.0.1:9", timeout_ms=200) as nowhere, nowhere.consumer(["orders"], "g") as consumer:
        assert consumer.poll(20) == []
        assert consumer.assignment == []
