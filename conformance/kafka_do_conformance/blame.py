"""Whose fault it is: the adapter's, the library's behind it, or the server's; and what to do next.

From outside a library is seen through its adapter only. What tells them apart is the wire: where nothing was sent, the
library was not called; where something was sent and the adapter keeps its protocol, the rest is the library's.
"""

import shlex
import traceback
from dataclasses import dataclass

from kafka_do_conformance.adapter import AdapterDefectError, Rule
from kafka_do_conformance.peer import Peer
from kafka_do_conformance.verdict import Crashed, NotApplicable, Timeout, Violation

__all__ = ["Fault", "blame_client", "blame_server"]

_NEXT = {
    Rule.START: "Run the command by hand, from this folder; what it wrote to its standard error last is shown above.",
    Rule.TIME: "Flush standard output after each answer, and log to standard error where the adapter is.",
    Rule.JSON: "Write nothing but answers to standard output; logs belong to standard error.",
    Rule.FORM: "Compare the answer with spec/adapter.schema.json and with the examples of the page on adapters.",
    Rule.ID: "Copy the id of the command that is being answered, as a number, and answer each command once.",
    Rule.DEFECT: "Mend what the message of the adapter's `defect` says.",
    Rule.VERSION: "Take the adapter that belongs to this suite, or the suite that belongs to the adapter.",
    Rule.GREETING: "Answer hello with ok: protocol, name, version, language and features.",
    Rule.GOODBYE: "Answer bye, flush, close what the library has open, and end with status 0.",
}
_NOT_CALLED = "No request came: see whether the adapter calls the library, and waits until it has sent what it batches."
_NOT_BACK = (
    "The request came and was answered at once, and the adapter has answered before: see whether the library's call "
    "returns."
)


@dataclass(frozen=True)
class Fault:
    """Whose fault it is, what was seen, what to do next, and which rule of adapters was broken, if one was."""

    whose: str
    seen: tuple[str, ...]
    following: str
    rule: Rule | None = None


def blame_client(error: Exception, peer: Peer, impl: str) -> Fault:
    """Say whose fault it is that a stage with an adapter failed; `peer` is what the library was to talk to."""
    if isinstance(error, AdapterDefectError):
        return Fault("adapter", (str(error),), _NEXT[error.rule], error.rule)
    if isinstance(error, Crashed):
        return Fault("adapter", _seen(error), _NEXT[Rule.START], Rule.START)
    if isinstance(error, Timeout):
        return _late(error, peer)
    if isinstance(error, Violation) and peer.seen():
        return Fault("library", _seen(error), f"The adapter keeps its protocol. {_run(impl, 'client')}")
    if isinstance(error, Violation | NotApplicable):
        return Fault("adapter", _seen(error), _NOT_CALLED)
    return _suite(error)


def _late(timeout: Timeout, peer: Peer) -> Fault:
    if peer.seen():
        return Fault("library", _seen(timeout), _NOT_BACK, Rule.TIME)
    return Fault("adapter", _seen(timeout), _NEXT[Rule.TIME] if "hello" in timeout.step else _NOT_CALLED, Rule.TIME)


def blame_server(error: Exception, impl: str) -> Fault:
    """Say whose fault it is that a stage with a server failed."""
    if not isinstance(error, Violation):
        return _suite(error)
    if isinstance(error, Crashed | Timeout):
        return Fault(
            "server", _seen(error), "See whether it runs, whether the address is right, and what its log says."
        )
    return Fault("server", _seen(error), _run(impl, "server"))


def _run(impl: str, role: str) -> str:
    return f"Read the failures, and what each hint says: kafka-do conformance --impl={shlex.quote(impl)} -k {role}"


def _suite(error: Exception) -> Fault:
    words = tuple("".join(traceback.format_exception(error)).splitlines())
    return Fault("suite", words, "Report what stands above to those who maintain the suite.")


def _seen(error: Violation | NotApplicable) -> tuple[str, ...]:
    if isinstance(error, NotApplicable):
        return (str(error),)
    found = tuple(f"{one.place}: allowed {one.allowed}, seen {one.seen}" for one in error.mismatches)
    return (error.step, *found)
