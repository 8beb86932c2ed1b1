"""`kafka-do conformance smoke`: is it the adapter, the library or the server? A few checks, over within five seconds.

It is no suite of its own: it asks by a few cases of the suite, each relying on what those before it have shown, and
stops at the first fault, because what follows would only repeat it.
"""

import argparse
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from kafka_do.spec import SPEC
from kafka_do_conformance.adapter import PROTOCOL, Rule
from kafka_do_conformance.blame import Fault, blame_client, blame_server
from kafka_do_conformance.case import Case, ExchangeCase
from kafka_do_conformance.judge_client import judge_client
from kafka_do_conformance.judge_server import judge_server
from kafka_do_conformance.load import CASES, load_file
from kafka_do_conformance.peer import Peer
from kafka_do_conformance.target import ClientTarget, ServerTarget, Targets, UnknownImplError, parse_impl
from kafka_do_conformance.verdict import Timeout
from kafka_do_conformance.visible import redact, visible

__all__ = ["main"]

_WHOLE_S = 4.0
_ANSWER_S = 2.5
_FAREWELL_S = 0.4
_SHOWN = 300
_STATUS = {"nobody": 0, "library": 1, "server": 1, "adapter": 2, "suite": 2}

_FILES = ("discovery", "errors", "produce", "topics")
_RULES = {
    Rule.START: "the adapter starts, and runs until bye",
    Rule.TIME: "it answers within the deadline",
    Rule.JSON: "an answer is one line of JSON",
    Rule.FORM: "an answer has its form in adapter.schema.json",
    Rule.ID: "an answer repeats the id of its command",
    Rule.DEFECT: "no answer tells of a defect of the adapter's own",
    Rule.VERSION: f"it speaks version {PROTOCOL} of the adapter protocol",
    Rule.GREETING: "it answers hello with ok",
}
_CLIENT = {
    "what is produced and read is on the wire as told, and the answers are reported": "explicit-partition",
    "an error of the server is passed on with its code and flags": "flags-of-a-problem",
}
_GOODBYE = "it answers bye, and exits with status 0"
_REACHED = "the server is reached, and answers"
_SERVER = {
    "discovery tells revision, server, features and limits": "discovery",
    "a topic is created": "create-topic",
    "records are produced, and fetched as they were": "explicit-partition",
    "a refused request is answered with a problem document": "problem-documents",
}


@dataclass(frozen=True)
class Stage:
    """Something that is tried; `titles` are the lines that it shows when it succeeds."""

    titles: tuple[str, ...]
    run: Callable[[], None]


@dataclass
class Smoke:
    """The stages of one role; `blame` says whose fault an error is."""

    stages: tuple[Stage, ...]
    blame: Callable[[Exception], Fault]
    shown: set[str] = field(default_factory=set)
    failed: str = ""
    fault: Fault | None = None

    def run(self) -> None:
        """Run the stages until one fails, or until the others have given up."""
        for stage in self.stages:
            try:
                stage.run()
            except Exception as error:  # noqa: BLE001  whatever happens is somebody's fault
                self._fail(stage, self.blame(error))
            if self.fault is not None:
                return
            self.shown.update(stage.titles)

    def give_up(self) -> None:
        """Take for a fault that the stages are not over."""
        running = next((stage for stage in self.stages if not self.shown.issuperset(stage.titles)), None)
        if running is not None:
            late = Timeout(f"{running.titles[-1]}: not over after {_WHOLE_S:g} s", [])
            self._fail(running, self.blame(late))

    def lines(self) -> Iterator[str]:
        """Yield a line for each check, and what was seen where one failed."""
        for title in (title for stage in self.stages for title in stage.titles):
            if self.fault is not None and title == self.failed:
                yield f"  FAIL  {title}"
                yield from (f"          {line[:_SHOWN]}" for line in self.fault.seen)
            elif title in self.shown:
                yield f"  ok    {title}"
            else:
                yield f"  -     {title} (not reached)"

    def _fail(self, stage: Stage, fault: Fault) -> None:
        """Keep the first fault and the line that it belongs to: a rule's own, or the stage's last."""
        if self.fault is None:
            self.failed = stage.titles[-1] if fault.rule is None else _RULES.get(fault.rule, stage.titles[-1])
            if self.failed in stage.titles:
                self.shown.update(stage.titles[: stage.titles.index(self.failed)])
            self.fault = fault


def main(arguments: Sequence[str]) -> int:
    """Print a line for each check and a verdict. 0: nobody's fault; 1: the library's or server's; 2: the adapter's."""
    asked = _asked(arguments)
    impl = str(asked.impl)
    try:
        targets = parse_impl(impl, deadline_s=_ANSWER_S, api_key=asked.api_key)
    except UnknownImplError as error:
        print(f"kafka-do conformance smoke: {error}", file=sys.stderr)  # noqa: T201
        return 2
    with Peer() as peer:
        smokes = _smokes(targets, peer, impl)
        _within(_WHOLE_S, lambda: _run(smokes))
        fault = _fault(smokes)
        said = redact("\n".join(_text(smokes, fault, impl)), targets.secrets)
        print(visible(said), flush=True)  # noqa: T201
        _within(_FAREWELL_S, lambda: _end(targets))
    return _STATUS[fault.whose]


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="kafka-do conformance smoke", description="Say within five seconds whose fault it is, if it is anybody's."
    )
    parser.add_argument("--impl", default="reference", metavar="SPEC", help="as for kafka-do conformance: reference")
    parser.add_argument(
        "--api-key", default="", metavar="KEY", help="with http://host:port: a key that the server takes"
    )
    return parser.parse_args(arguments)


def _within(seconds: float, function: Callable[[], None]) -> None:
    """Call a function, and go on when it is over or the time is."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(seconds)


def _run(smokes: Sequence[Smoke]) -> None:
    for smoke in smokes:
        smoke.run()
        if smoke.fault is not None:
            return


def _fault(smokes: Sequence[Smoke]) -> Fault:
    """Return the first fault; a stage that is not over is one."""
    for smoke in smokes:
        smoke.give_up()
        if smoke.fault is not None:
            return smoke.fault
    return Fault("nobody", (), "")


def _text(smokes: Sequence[Smoke], fault: Fault, impl: str) -> Iterator[str]:
    yield f"kafka.do smoke, protocol revision {SPEC.revision}, --impl={impl}"
    for smoke in smokes:
        yield from smoke.lines()
    yield f"verdict: {fault.whose}"
    yield f"next: {fault.following or f'Judge it by every case: kafka-do conformance --impl={shlex.quote(impl)}'}"


def _end(targets: Targets) -> None:
    if targets.client is not None:
        targets.client.adapter.drop()
    targets.close()


def _smokes(targets: Targets, peer: Peer, impl: str) -> list[Smoke]:
    cases = {case.slug: case for name in _FILES for case in load_file(CASES / f"{name}.yaml")}
    found: list[Smoke] = []
    if targets.servers:
        found.append(_server(targets.servers[0], cases, impl))
    if targets.client is not None:
        found.append(_client(targets.client, peer, cases, impl))
    return found


def _server(server: ServerTarget, cases: dict[str, Case], impl: str) -> Smoke:
    def reach() -> None:
        with closing(server.wire()) as wire:
            wire.exchange("GET", "/v1")

    def judge(slug: str) -> None:
        with closing(server.wire()) as wire:
            judge_server(_exchange(cases[slug]), server.session(wire))

    stages = [Stage((title,), partial(judge, slug)) for title, slug in _SERVER.items()]
    return Smoke((Stage((_REACHED,), reach), *stages), lambda error: blame_server(error, impl))


def _client(client: ClientTarget, peer: Peer, cases: dict[str, Case], impl: str) -> Smoke:
    def greet() -> None:
        client.adapter.hello()

    def judge(slug: str) -> None:
        judge_client(_exchange(cases[slug]), client.adapter, peer)

    stages = [Stage((title,), partial(judge, slug)) for title, slug in _CLIENT.items()]
    greeting, goodbye = Stage(tuple(_RULES.values()), greet), Stage((_GOODBYE,), client.adapter.leave)
    return Smoke((greeting, *stages, goodbye), lambda error: blame_client(error, peer, impl))


def _exchange(case: Case) -> ExchangeCase:
    if not isinstance(case, ExchangeCase):
        raise TypeError(f"{case.slug} is not a case of exchanges")
    return case
