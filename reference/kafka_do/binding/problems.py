"""Errors as problem documents (RFC 9457). (ERROR-001 to ERROR-006, HTTP-002)"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from kafka_do.binding.http import PROBLEM_JSON, HttpResponse, header, media_type
from kafka_do.core.errors import KafkaError
from kafka_do.core.item_errors import error_of_item
from kafka_do.core.messages import Problem, RefusedItem
from kafka_do.spec import SPEC

__all__ = [
    "NOT_OF_THIS_PROTOCOL",
    "HeadedError",
    "disconnected",
    "error_of_response",
    "identified",
    "problem_of_response",
    "problem_response",
]

NOT_OF_THIS_PROTOCOL = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that no server of this protocol sends."""

_PROBLEM = msgspec.json.Decoder(Problem)


class HeadedError(KafkaError):
    """An error whose answer says more in its header: `headers`."""

    def __init__(self, code: str, message: str, *headers: tuple[str, str], **fields: Any) -> None:
        super().__init__(code, message, **fields)
        self.headers = headers


def problem_response(error: KafkaError, results: Sequence[RefusedItem] | None = None) -> HttpResponse:
    """Return the response for an error that a server raises. (ERROR-001 to ERROR-003, ERROR-005)"""
    entry = SPEC.errors[error.code]
    if entry.status is None:
        raise ValueError(f"only clients raise {error.code}")
    problem = Problem(
        type=f"{SPEC.error_type_base}{error.code}/",
        title=entry.title,
        status=entry.status,
        code=error.code,
        detail=error.message,
        retriable=error.retriable,
        indeterminate=error.indeterminate,
        results=msgspec.UNSET if results is None else list(results),
        **error.fields,
    )
    headers = error.headers if isinstance(error, HeadedError) else ()
    return HttpResponse(entry.status, (("Content-Type", PROBLEM_JSON), *headers), msgspec.json.encode(problem))


def identified(response: HttpResponse, *, request_id: str, instance: str | None) -> HttpResponse:
    """Return a problem's response with the request's id and, where it is known, its path. (HTTP-002)"""
    problem = _PROBLEM.decode(response.body)
    problem.request_id = request_id
    if instance is not None:
        problem.instance = instance
    return HttpResponse(response.status, response.headers, msgspec.json.encode(problem))


def problem_of_response(response: HttpResponse) -> Problem:
    """Return the problem in a response; raises KafkaError `disconnected` where it is none. (ERROR-008, ERROR-010)"""
    wait_ms = _retry_after_ms(response.headers)
    if media_type(response.headers) == PROBLEM_JSON:
        try:
            problem = _PROBLEM.decode(response.body)
        except NOT_OF_THIS_PROTOCOL:
            pass
        else:
            if problem.retry_after_ms is msgspec.UNSET and wait_ms is not None:
                problem.retry_after_ms = wait_ms
            return problem
    words = f"the answer with status {response.status} is not of this protocol"
    raise disconnected(words, **({} if wait_ms is None else {"retry_after_ms": wait_ms}))


def _retry_after_ms(headers: Iterable[tuple[str, str]]) -> int | None:
    """Return what `Retry-After` says: seconds, or a time, which is compared with the answer's own. (ERROR-010)"""
    said = header(headers, "Retry-After")
    if said is None or (said := said.strip()).isdecimal():
        return None if said is None else int(said) * 1000
    try:
        later, now = (parsedate_to_datetime(one) for one in (said, header(headers, "Date") or ""))
    except ValueError:
        return None
    return max(0, (later - now) // timedelta(milliseconds=1))


def error_of_response(response: HttpResponse) -> KafkaError:
    """Return the error of a response that is not a success. (ERROR-006, ERROR-008)"""
    try:
        problem = problem_of_response(response)
        error = error_of_item(problem)
        error.request_id = None if problem.request_id is msgspec.UNSET else problem.request_id
        return error  # noqa: TRY300
    except KafkaError as error:
        return error


def disconnected(message: str, **fields: Any) -> KafkaError:
    """Make the error for an answer that never came or is not of this protocol. (ERROR-007, ERROR-008)"""
    return KafkaError("disconnected", message, **fields)
