"""Bodies of requests in gzip: which, and that the server reads them."""

import gzip

import pytest

from kafka_do import Client, Message
from kafka_do.binding.http import HttpRequest
from kafka_do.transports.gzipping import gzipped


def test_a_large_body_is_compressed_and_says_so() -> None:
    body = b'{"records":[' + b'{"value":1},' * 200 + b'{"value":1}]}'
    request = HttpRequest("POST", "/v1/topics/t/records", headers=(("Content-Type", "application/json"),), body=body)
    found = gzipped(request)
    assert found.headers == (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    assert gzip.decompress(found.body) == body
    assert len(found.body) < len(body) // 5
    assert (found.method, found.path) == (request.method, request.path)


@pytest.mark.parametrize("body", [b"", b"{}", b" " * 1023])
def test_a_small_body_stays_as_it_is(body: bytes) -> None:
    request = HttpRequest("POST", "/v1/topics/t/records", body=body)
    assert gzipped(request) is request


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_server_reads_what_is_compressed(served: str, *, idempotent: bool) -> None:
    topic = f"compressed-{idempotent}"
    with Client(served) as client:
        producer = client.producer(topic, idempotent=idempotent, compression="gzip")
        producer.send_batch([Message({"n": number, "words": "again " * 20}) for number in range(100)])
        assert [message.value["n"] for message in client.read(topic, offset=0).messages] == list(range(100))


def test_another_compression_is_refused_by_name() -> None:
    with Client("memory://") as client, pytest.raises(ValueError, match="compression has to be gzip or None"):
        client.producer("t", compression="snappy")  # type: ignore[arg-type]


def test_a_broker_in_this_process_takes_everything_as_it_is() -> None:
    with Client("memory://") as client:
        client.producer("t", compression="gzip").send("x" * 5000)
        assert client.read("t", offset=0).messages[0].value == "x" * 5000
