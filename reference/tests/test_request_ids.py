"""Ids of requests."""

from kafka_do.binding.fields import is_request_id
from kafka_do.server.request_ids import RequestIds


def test_a_request_keeps_an_id_that_is_one() -> None:
    assert RequestIds().of(b"mine.7") == "mine.7"


def test_other_requests_get_ids_that_are_all_different() -> None:
    one, other = RequestIds(), RequestIds()
    made = [ids.of(given) for ids in (one, other) for given in (None, b"", b"two words", None)]
    assert len(set(made)) == len(made)
    assert all(is_request_id(ident.encode()) for ident in made)
