"""The blocking client, in this process and over HTTP: the same calls have the same outcome."""

import contextlib
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kafka_do import Client, Header, Headers, KafkaError, ReadMessage, Record, RecordMetadata

_PATIENCE_S = 10
_NOW = 1_760_000_000_000


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep proxies and addresses of the surroundings out of the tests."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("KAFKA_DO_URL", raising=False)
    monkeypatch.delenv("KAFKA_DO_API_KEY", raising=False)


@pytest.fixture(params=["memory", "http"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a broker in this process, and that of a server in another."""
    served: str = request.getfixturevalue("served") if request.param == "http" else f"memory://{uuid.uuid4()}"
    return served


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Return a client."""
    with Client(url) as opened:
        yield opened


@pytest.fixture
def topic(client: Client) -> str:
    """Return the name of a new topic of three partitions."""
    name = f"t-{uuid.uuid4()}"
    client.admin().create_topic(name, partitions=3)
    return name


def _messages(client: Client, topic: str, partition: int) -> tuple[ReadMessage[Any], ...]:
    return client.read(topic, partition, offset=0).messages


@contextlib.contextmanager
def _answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Listen on a free port, answer the first request with these bytes, close the connection.

    Yields the URL and a list that gets the request.
    """
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE_S)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(_PATIENCE_S)
                requests.append(connection.recv(65_536))
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        thread.join(_PATIENCE_S)
        assert not thread.is_alive()


def test_discovery_tells_that_the_server_offers_the_core(client: Client) -> None:
    told = client.discover()
    assert told.revision == "1.0"
    assert "core" in told.features
    assert min(told.limits.values()) > 0


def test_a_topic_is_created_once(client: Client) -> None:
    name = f"t-{uuid.uuid4()}"
    created = client.admin().create_topic(name, partitions=3)
    assert (created.topic, created.partition_count) == (name, 3)
    assert created.topic_id
    with pytest.raises(KafkaError) as refused:
        client.admin().create_topic(name)
    assert (refused.value.code, refused.value.fields) == ("topic_already_exists", {"topic": name})


def test_a_topic_is_created_with_configs_and_a_wrong_one_is_pointed_to(client: Client) -> None:
    name = f"t-{uuid.uuid4()}"
    client.admin().create_topic(name, configs={"cleanup.policy": "compact"})
    with pytest.raises(KafkaError, match="has to have a key"):
        client.producer(name).send(1)
    with pytest.raises(KafkaError) as refused:
        client.admin().create_topic(f"{name}-b", configs={"retention.ms": "-2"})
    assert refused.value.code == "invalid_config"
    assert refused.value.fields["errors"][0]["pointer"] == "/configs/retention.ms"
    assert str(refused.value).endswith("'-2' is not an integer from -1 to 9223372036854775807")


def test_records_are_deleted_up_to_an_offset_or_to_the_end(client: Client) -> None:
    name = f"t-{uuid.uuid4()}"
    client.admin().create_topic(name, partitions=2)
    for value in range(3):
        client.producer(name).send(value, partition=1)
    assert client.admin().delete_records(name, {1: 2, 0: None}) == {1: 2, 0: 0}
    assert client.admin().delete_records(name, {1: 1}) == {1: 2}
    with pytest.raises(KafkaError) as gone:
        client.read(name, 1, offset=1)
    assert (gone.value.code, gone.value.fields["log_start_offset"]) == ("offset_out_of_range", 2)
    assert [message.value for message in client.read(name, 1, offset=2).messages] == [2]
    for wanted, code in (
        ({1: None, 2: 0}, "partition_not_found"),
        ({1: 4}, "offset_out_of_range"),
        ({}, "invalid_request"),
    ):
        with pytest.raises(KafkaError) as refused:
            client.admin().delete_records(name, wanted)
        assert refused.value.code == code
    assert client.admin().delete_records(name, {1: None}) == {1: 3}


def test_a_record_is_read_as_it_was_sent(client: Client, topic: str) -> None:
    headers = [("h", "1"), ("h", None), ("g", b"\xff"), ("h", "")]
    placed = client.producer(topic).send({"a": 1}, key="k", headers=headers, partition=2, timestamp=_NOW)
    assert placed == RecordMetadata(topic, 2, 0, _NOW)
    assert _messages(client, topic, 2) == (
        ReadMessage[Any](
            topic=topic,
            partition=2,
            offset=0,
            timestamp_ms=_NOW,
            key="k",
            value={"a": 1},
            headers=Headers([("h", b"1"), ("h", None), ("g", b"\xff"), ("h", b"")]),
            raw_key=b"k",
            raw_value=b'{"a":1}',
        ),
    )


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"null",
        b'""',
        b"1.00",
        b'{"a": 1}',
        b'{"a":1,"a":2}',
        b'"\\u0041"',
        b"\xff\x00",
        b"[" * 300 + b"]" * 300,
        b"\xef\xbb\xbf1",
    ],
    ids=lambda data: repr(data)[:16],
)
def test_the_bytes_of_keys_and_values_arrive_as_they_are(client: Client, topic: str, data: bytes | None) -> None:
    client.producer(topic).send(data, key=data, partition=1)
    (message,) = _messages(client, topic, 1)
    assert (message.raw_key, message.raw_value) == (data, data)


@pytest.mark.parametrize(("key", "partition"), [("order-1", 1), ("a-little-bit-long-string", 2), ("", 0), (b"\x80", 2)])
def test_a_key_leads_to_the_partition_that_kafka_gives_it(
    client: Client, topic: str, key: str | bytes, partition: int
) -> None:
    assert client.producer(topic).send(1, key=key).partition == partition


def test_records_of_one_request_each_have_their_result(client: Client, topic: str) -> None:
    records = [Record(value=str(index).encode(), partition=partition) for index, partition in enumerate((1, 9, 1, 0))]
    first, refused, second, other = client.producer(topic).send_records(records)
    assert isinstance(refused, KafkaError)
    assert (refused.code, refused.retriable, refused.indeterminate) == ("partition_not_found", False, False)
    assert refused.fields == {"topic": topic, "partition": 9, "partition_count": 3}
    places = [(r.partition, r.offset) for r in (first, second, other) if isinstance(r, RecordMetadata)]
    assert places == [(1, 0), (1, 1), (0, 0)]
    assert [message.value for message in _messages(client, topic, 1)] == [0, 2]


def test_records_that_are_all_refused_each_have_their_error(client: Client, topic: str) -> None:
    results = client.producer(topic).send_records([Record(value=b"", partition=7), Record(value=b"", partition=8)])
    assert [(r.code, r.fields["partition"]) for r in results if isinstance(r, KafkaError)] == [
        ("partition_not_found", 7),
        ("partition_not_found", 8),
    ]


def test_one_record_that_is_refused_raises_its_error(client: Client, topic: str) -> None:
    with pytest.raises(KafkaError) as refused:
        client.producer(topic).send(1, partition=3)
    assert (refused.value.code, refused.value.fields["partition_count"]) == ("partition_not_found", 3)


def test_reading_goes_on_at_next_offset(client: Client, topic: str) -> None:
    client.producer(topic).send_records([Record(value=str(number).encode(), partition=1) for number in range(5)])
    offset, values = 0, []
    for _ in range(3):
        read = client.read(topic, 1, offset=offset, max_records=2)
        assert (read.log_start_offset, read.high_watermark) == (0, 5)
        values += [message.value for message in read.messages]
        offset = read.next_offset
    assert (values, offset) == ([0, 1, 2, 3, 4], 5)
    assert client.read(topic, 1, offset=5).messages == ()


def test_max_bytes_bounds_a_read_but_for_its_first_record(client: Client, topic: str) -> None:
    client.producer(topic).send_records([Record(value=b"x" * 10, partition=1)] * 3)
    assert len(client.read(topic, 1, offset=0, max_bytes=1).messages) == 1
    assert len(client.read(topic, 1, offset=0, max_bytes=20).messages) == 2


def test_an_offset_outside_the_log_is_refused_with_its_bounds(client: Client, topic: str) -> None:
    client.producer(topic).send(1, partition=1)
    with pytest.raises(KafkaError) as refused:
        client.read(topic, 1, offset=2)
    assert refused.value.code == "offset_out_of_range"
    assert refused.value.fields == {"topic": topic, "partition": 1, "log_start_offset": 0, "high_watermark": 1}


@pytest.mark.parametrize("name", ["nowhere", "a/b", "a%2Fb", "a b", "a?b#c", "é", ".", ".."])
def test_a_topic_that_does_not_exist_is_not_found_by_reading_whatever_its_name(client: Client, name: str) -> None:
    with pytest.raises(KafkaError) as refused:
        client.read(name, 0, offset=0)
    assert (refused.value.code, refused.value.fields) == ("topic_not_found", {"topic": name})


def test_sending_to_a_topic_that_does_not_exist_creates_it_where_discovery_says_so(client: Client) -> None:
    assert "auto_create_topics" in client.discover().features
    name = f"t-{uuid.uuid4()}"
    placed = client.producer(name).send("first")
    assert (placed.topic, placed.partition, placed.offset) == (name, 0, 0)
    assert [message.value for message in _messages(client, name, 0)] == ["first"]
    with pytest.raises(KafkaError, match="topic_already_exists"):
        client.admin().create_topic(name)


@pytest.mark.parametrize("name", [".", "..", "a/b", "a%2Fb", "a b", "a?b#c", "é", "x" * 250])
def test_sending_to_a_topic_of_a_name_that_kafka_does_not_allow_is_refused(client: Client, name: str) -> None:
    with pytest.raises(KafkaError) as refused:
        client.producer(name).send(1)
    assert (refused.value.code, refused.value.fields) == ("invalid_topic_name", {"topic": name})


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "é", "x" * 250])
def test_a_topic_name_that_kafka_does_not_allow_is_refused(client: Client, name: str) -> None:
    with pytest.raises(KafkaError) as refused:
        client.admin().create_topic(name)
    assert (refused.value.code, refused.value.fields) == ("invalid_topic_name", {"topic": name})


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client, name: client.admin().create_topic(f"{name}-b", partitions=0), id="no-partitions"),
        pytest.param(lambda client, name: client.admin().create_topic(f"{name}-b", partitions=-1), id="partitions"),
        pytest.param(lambda client, name: client.producer(name).send_records([]), id="no-records"),
        pytest.param(lambda client, name: client.producer(name).send(1, partition=-1), id="send-partition"),
        pytest.param(lambda client, name: client.producer(name).send(1, partition=2**31), id="send-partition-2^31"),
        pytest.param(lambda client, name: client.producer(name).send(1, timestamp=-1), id="timestamp"),
        pytest.param(lambda client, name: client.producer(name).send(1, timestamp=2**53), id="timestamp-2^53"),
        pytest.param(lambda client, name: client.read(name, -1, offset=0), id="read-partition"),
        pytest.param(lambda client, name: client.read(name, 2**31, offset=0), id="read-partition-2^31"),
        pytest.param(lambda client, name: client.read(name, 0, offset=-1), id="offset"),
        pytest.param(lambda client, name: client.read(name, 0, offset=2**53), id="offset-2^53"),
        pytest.param(lambda client, name: client.read(name, 0, offset=0, max_records=0), id="max_records"),
        pytest.param(lambda client, name: client.read(name, 0, offset=0, max_records=-1), id="max_records-negative"),
        pytest.param(lambda client, name: client.read(name, 0, offset=0, max_records=100_001), id="max_records-many"),
        pytest.param(lambda client, name: client.read(name, 0, offset=0, max_bytes=0), id="max_bytes"),
    ],
)
def test_a_number_outside_its_range_is_refused(client: Client, topic: str, ask: Callable[[Client, str], Any]) -> None:
    with pytest.raises(KafkaError) as refused:
        ask(client, topic)
    assert refused.value.code == "invalid_request"


def test_the_faults_of_a_request_are_told_as_plain_data(client: Client, topic: str) -> None:
    with pytest.raises(KafkaError) as refused:
        client.producer(topic).send_records([])
    (fault,) = refused.value.fields["errors"]
    assert isinstance(fault, dict)
    assert fault["pointer"] == "/records"


def test_a_header_name_that_no_client_can_send_does_not_spoil_the_partition(client: Client, topic: str) -> None:
    with contextlib.suppress(KafkaError, TypeError, ValueError):
        client.producer(topic).send_records([Record(value=b"", headers=(Header("\ud800", b""),), partition=0)])
    client.producer(topic).send(1, partition=0)
    assert _messages(client, topic, 0)[-1].value == 1


def test_two_clients_of_one_url_share_the_broker(client: Client, url: str, topic: str) -> None:
    client.producer(topic).send("here", partition=0)
    with Client(url) as other:
        assert [message.value for message in _messages(other, topic, 0)] == ["here"]


def test_many_threads_may_send_and_no_offset_is_given_twice(client: Client, topic: str) -> None:
    def send(number: int) -> int:
        return client.producer(topic).send(number, partition=0).offset

    with ThreadPoolExecutor(8) as pool:
        offsets = list(pool.map(send, range(64), timeout=_PATIENCE_S))
    assert sorted(offsets) == list(range(64))


def test_closing_twice_is_no_error(client: Client) -> None:
    client.close()
    client.close()


def test_every_use_after_closing_raises_closed_and_sends_nothing(url: str) -> None:
    name = f"t-{uuid.uuid4()}"
    with Client(url) as client:
        admin, producer = client.admin(), client.producer(name)
    uses: list[Callable[[], Any]] = [
        client.discover,
        lambda: admin.create_topic(name),
        lambda: producer.send(1),
        lambda: producer.send_records([]),
        lambda: client.read(name, offset=0),
    ]
    for use in uses:
        with pytest.raises(KafkaError) as refused:
            use()
        assert (refused.value.code, refused.value.retriable, refused.value.indeterminate) == ("closed", False, False)
    with Client(url) as again, pytest.raises(KafkaError) as unknown:
        again.read(name, offset=0)
    assert unknown.value.code == "topic_not_found"


def test_an_error_leaves_the_with_block_and_closes_the_client(url: str) -> None:
    with pytest.raises(LookupError), Client(url) as client:
        raise LookupError
    with pytest.raises(KafkaError, match="closed"):
        client.discover()


def test_a_name_in_memory_is_shared_and_no_name_is_private() -> None:
    name = uuid.uuid4()
    with Client(f"memory://{name}") as client:
        client.admin().create_topic("t")
    with Client(f"memory://{name}") as same:
        assert same.read("t", offset=0).high_watermark == 0
    for other in (f"memory://{name}-other", "memory://", "memory://"):
        with Client(other) as client:
            assert client.admin().create_topic("t").partition_count == 1


def test_the_environment_tells_the_url_and_an_argument_comes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"memory://{uuid.uuid4()}"
    monkeypatch.setenv("KAFKA_DO_URL", name)
    with Client() as client:
        client.admin().create_topic("t")
    with Client(name) as same:
        assert same.read("t", offset=0).messages == ()
    with Client("memory://") as other, pytest.raises(KafkaError, match="topic_not_found"):
        other.read("t", offset=0)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1",
        "127.0.0.1:8082",
        "localhost",
        "http://",
        "//127.0.0.1",
        "http://[::1",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
    ],
)
def test_an_address_that_no_broker_can_have_is_refused_at_once(address: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Client(address)


def test_a_port_that_nobody_listens_on_is_disconnected_and_indeterminate() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with Client(f"http://127.0.0.1:{held.getsockname()[1]}") as client, pytest.raises(KafkaError) as lost:
            client.producer("t").send(1)
    assert (lost.value.code, lost.value.indeterminate, lost.value.retriable) == ("disconnected", True, False)


def test_a_server_that_does_not_answer_in_time_is_disconnected_and_indeterminate() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(address, timeout_ms=50) as client, pytest.raises(KafkaError, match="within 50 ms") as lost:
            client.discover()
    assert (lost.value.code, lost.value.indeterminate) == ("disconnected", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"revision":',
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.9\r\n",
    ],
    ids=["nothing", "half-a-head", "half-a-body", "a-proxys-page", "not-gzip", "not-http"],
)
def test_an_answer_that_is_incomplete_or_foreign_is_disconnected_and_indeterminate(answer: bytes) -> None:
    with _answering(answer) as (address, requests), Client(address, retries=0) as client:
        with pytest.raises(KafkaError) as lost:
            client.discover()
        assert (lost.value.code, lost.value.indeterminate) == ("disconnected", True)
        assert len(requests) == 1


def test_a_redirect_is_not_followed(served: str) -> None:
    answer = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {served}/v1\r\nContent-Length: 0\r\n\r\n"
    with _answering(answer.encode()) as (address, _), Client(address, retries=0) as client:
        with pytest.raises(KafkaError) as lost:
            client.discover()
        assert lost.value.code == "disconnected"


def test_a_path_in_the_url_comes_before_the_paths_of_the_protocol() -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    with _answering(answer) as (address, requests), Client(f"{address}/broker/", retries=0) as client:
        with pytest.raises(KafkaError):
            client.read("a/b", 1, offset=2)
        assert requests[0].startswith(
            b"GET /broker/v1/topics/a%2Fb/partitions/1/records?offset=2&max_wait_ms=0 HTTP/1.1\r\n"
        )


_KEY = "key-of.the~test"
_EMPTY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.contextmanager
def _untouched() -> Iterator[str]:
    """Listen on a free port, yield the URL, and look at the end that nobody has connected."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("from_environment", [True, False])
def test_a_key_is_sent_with_a_request(monkeypatch: pytest.MonkeyPatch, *, from_environment: bool) -> None:
    monkeypatch.setenv("KAFKA_DO_API_KEY", _KEY if from_environment else "another")
    with _answering(_EMPTY) as (url, requests):
        with Client(url, api_key=None if from_environment else _KEY, retries=0) as client, pytest.raises(KafkaError):
            client.discover()
        assert f"authorization: Bearer {_KEY}\r\n".lower().encode() in requests[0].lower()


def test_without_a_key_none_is_sent() -> None:
    with _answering(_EMPTY) as (url, requests):
        with Client(url, retries=0) as client, pytest.raises(KafkaError):
            client.discover()
        assert b"authorization" not in requests[0].lower()


@pytest.mark.parametrize(
    "url",
    ["http://kafka.do", "http://10.0.0.1:8082", "http://0.0.0.0", "http://localhost.example", "http://[::2]", "http://[::]",
     "http://user@kafka.do", "http://127.0.0.1@kafka.do", "http://1270.0.1"],
)  # fmt: skip
def test_a_key_does_not_go_over_plain_http_to_another_machine(url: str) -> None:
    with pytest.raises(ValueError, match="over plain http only to this machine") as refused:
        Client(url, api_key=_KEY)
    assert _KEY not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1",
        "http://LOCALHOST:1",
        "http://127.9.9.9:1",
        "http://[::1]:1",
        "https://kafka.do",
        "memory://",
    ],
)
def test_a_key_goes_to_this_machine_and_over_https(url: str) -> None:
    with Client(url, api_key=_KEY) as client:
        assert _KEY not in repr(client)


@pytest.mark.parametrize("key", ["", "two words", "a\r\nX-Evil: b", "é"])
def test_a_text_that_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="the API key has to be made of letters") as refused:
        Client("https://kafka.do", api_key=key)
    assert not key or key not in str(refused.value)


def test_a_key_for_this_machine_does_not_go_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with _untouched() as proxy, _answering(_EMPTY) as (url, direct):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.delenv("no_proxy", raising=False)
        with Client(url, api_key=_KEY, retries=0) as client, pytest.raises(KafkaError):
            client.discover()
        assert len(direct) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_no_error_shows_the_key(status: int) -> None:
    with _untouched() as other:
        redirect = f"HTTP/1.1 {status} Go\r\nLocation: {other}/v1\r\nContent-Length: 0\r\n\r\n"
        with _answering(redirect.encode()) as (url, _), Client(url, api_key=_KEY, retries=0) as client:
            with pytest.raises(KafkaError) as found:
                client.discover()
            assert (found.value.code, found.value.indeterminate) == ("disconnected", True)
            assert _KEY not in repr(found.value) + str(found.value) + repr(vars(found.value))


def test_an_error_tells_the_id_of_its_request(served: str) -> None:
    with Client(served) as client, pytest.raises(KafkaError) as found:
        client.read("nowhere", offset=0)
    assert found.value.request_id


def test_a_server_on_this_machine_is_asked_for_answers_as_they_are() -> None:
    with _answering(b"") as (url, requests), Client(url, retries=0) as client, pytest.raises(KafkaError):
        client.discover()
    assert b"accept-encoding: identity" in requests[0].lower()
