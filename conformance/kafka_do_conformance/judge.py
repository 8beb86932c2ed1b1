"""One case, one role, one result."""

import dataclasses
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from kafka_do_conformance.adapter import AdapterDefectError
from kafka_do_conformance.case import Case, CodeCase, ExchangeCase, Role
from kafka_do_conformance.judge_client import judge_client
from kafka_do_conformance.judge_server import judge_server
from kafka_do_conformance.peer import Peer
from kafka_do_conformance.session import ClientSession
from kafka_do_conformance.target import Targets
from kafka_do_conformance.verdict import Exchange, Mismatch, NotApplicable, Result, Status, Violation
from kafka_do_conformance.visible import redact

__all__ = ["judge"]


def judge(case: Case, role: Role, targets: Targets) -> Result:
    """Judge what is under test by one case; whatever happens becomes a result."""
    level = case.level(role)
    result = Result(
        case=case.slug,
        role=role,
        title=case.title,
        level=level,
        requirements=case.cites(role),
        status=Status.PASS,
        duration_ms=0,
        hint=case.hint,
    )
    begun = time.perf_counter()
    try:
        _run(case, role, targets)
    except Violation as violation:
        result.status = Status.WARN if level == "should" and violation.status is Status.FAIL else violation.status
        result.step = violation.step
        result.mismatches = list(violation.mismatches)
        result.exchanges = list(violation.exchanges)
    except NotApplicable as reason:
        result.status = Status.NOT_APPLICABLE
        result.detail = str(reason)
    except AdapterDefectError as defect:
        result.status = Status.HARNESS_ERROR
        result.detail = f"the adapter is broken, which says nothing about the library behind it: {defect}"
    except Exception:  # noqa: BLE001  a fault of the suite must not end the run
        result.status = Status.HARNESS_ERROR
        result.detail = traceback.format_exc()
    result.duration_ms = round((time.perf_counter() - begun) * 1000)
    return _redacted(result, targets.secrets)


def _redacted(result: Result, secrets: list[str]) -> Result:
    """Return a result in which no key can be read, wherever an implementation has put it."""

    def hide(text: str) -> str:
        return redact(text, secrets)

    return dataclasses.replace(
        result,
        detail=hide(result.detail),
        step=hide(result.step),
        mismatches=[Mismatch(hide(one.place), hide(one.allowed), hide(one.seen)) for one in result.mismatches],
        exchanges=[Exchange(hide(one.request), hide(one.response)) for one in result.exchanges],
    )


S = TypeVar("S")


def _program(case: Case, program: Callable[[S], None] | None) -> Callable[[S], None]:
    if program is None:
        raise RuntimeError(f"the case {case.slug} cites requirements of a role that it has no program for")
    return program


def _run(case: Case, role: Role, targets: Targets) -> None:
    if not isinstance(case, ExchangeCase | CodeCase):
        raise TypeError(f"{type(case).__name__} is no case that the suite can run")
    if role == "server":
        server = targets.server_for(case)
        with closing(server.wire()) as wire:
            session = server.session(wire)
            try:
                if isinstance(case, ExchangeCase):
                    judge_server(case, session)
                else:
                    _program(case, case.run_server)(session)
            finally:
                session.leave()
    elif targets.client is not None:
        if missing := case.needs(role) - {*targets.client.features(), "core"}:
            raise NotApplicable(f"the client does not declare {', '.join(sorted(missing))}")
        if isinstance(case, ExchangeCase):
            with Peer() as peer:
                judge_client(case, targets.client.adapter, peer)
        else:
            counterpart = targets.counterpart()
            counterpart.features()  # so that its session knows what it may ask for
            with closing(counterpart.wire()) as wire:
                _program(case, case.run_client)(ClientSession(targets.client.adapter, counterpart.session(wire)))
    else:
        raise NotApplicable(f"no {role} is under test")
