"""The suite's side of the adapter protocol. (spec/adapter.schema.json)"""

import contextlib
import functools
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from kafka_do.spec import data_root
from kafka_do_conformance.form import Form
from kafka_do_conformance.process import LineProcess
from kafka_do_conformance.verdict import Crashed, Mismatch, Timeout, Violation

__all__ = ["PROTOCOL", "Adapter", "AdapterDefectError", "Rule"]

PROTOCOL = 0
_LONGEST_LINE = 64 * 1024 * 1024
_LAST_WORDS_S = 2.0


class Rule(StrEnum):
    """The rules of the adapter protocol that an adapter can break, in the order in which a command meets them."""

    START = "start"
    TIME = "time"
    JSON = "json"
    FORM = "form"
    ID = "id"
    VERSION = "version"
    GREETING = "greeting"
    DEFECT = "defect"
    GOODBYE = "goodbye"


class AdapterDefectError(Exception):
    """The adapter itself broke its protocol; this says nothing about the library behind it."""

    def __init__(self, rule: Rule, words: str) -> None:
        super().__init__(words)
        self.rule = rule


@functools.cache
def _form(definition: str) -> Form:
    whole = json.loads((data_root() / "spec" / "adapter.schema.json").read_text("utf-8"))
    return Form({"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": f"#/$defs/{definition}"})


def _conform(definition: str, message: Any, whose: str) -> None:
    """Check a message on its way."""
    if (fault := _form(definition).fault(message)) is not None:
        raise AdapterDefectError(Rule.FORM, f"{whose} does not have the form of {definition}: {fault}")


class Adapter:
    """An adapter process. After a crash or a missed deadline it is replaced, never used again."""

    def __init__(self, command: Sequence[str], *, deadline_s: float, env: dict[str, str] | None = None) -> None:
        self._command = command
        self._env = env
        self.deadline_s = deadline_s
        self._process: LineProcess | None = None
        self._prepared: LineProcess | None = None
        self._greeting: dict[str, Any] = {}
        self._last = 0

    def prepare(self) -> None:
        """Start the process, without waiting until it is ready; where it does not start, `hello` says why."""
        with contextlib.suppress(OSError):
            self._prepared = self._prepared or LineProcess(self._command, env=self._env)

    def hello(self) -> dict[str, Any]:
        """Greet the adapter and return what it says about itself."""
        return self._started()[1]

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send one command and return the answer, `ok`, `error` or `unsupported` among its members.

        Raises Timeout and Crashed for the client under test, AdapterDefectError for a broken adapter.
        """
        return self._ask(self._started()[0], command, arguments)

    def leave(self) -> None:
        """Say goodbye, and see the adapter answer and exit with status 0; raises AdapterDefectError."""
        process = self._started()[0]
        try:
            answer = self._ask(process, "bye", {})
        except Violation as violation:
            raise AdapterDefectError(Rule.GOODBYE, str(violation)) from None
        if "ok" not in answer:
            raise AdapterDefectError(Rule.GOODBYE, f"bye was answered with {json.dumps(answer)}")
        try:
            status = process.wait(self.deadline_s)
        except TimeoutError:
            raise AdapterDefectError(Rule.GOODBYE, f"it still runs {self.deadline_s:g} s after bye") from None
        finally:
            self.drop()
        if status != 0:
            raise AdapterDefectError(Rule.GOODBYE, f"after bye {process.obituary}")

    def close(self) -> None:
        """Say goodbye and end the process."""
        process, self._process = self._process, None
        if process is not None:
            try:
                self._ask(process, "bye", {})
                process.wait(self.deadline_s)
            except (Timeout, Crashed, AdapterDefectError, TimeoutError):
                pass
            finally:
                process.stop()
        self.drop()

    def drop(self) -> None:
        """End the process at once."""
        started = (self._process, self._prepared)
        self._process = self._prepared = None
        for process in started:
            if process is not None:
                process.kill()

    def _started(self) -> tuple[LineProcess, dict[str, Any]]:
        if self._process is not None and not self._process.alive:
            obituary = self._process.obituary
            self.drop()
            raise Crashed("between two commands", [Mismatch("the adapter", "runs until bye", obituary)])
        if self._process is None:
            self._process, self._greeting = self._greeted()
        return self._process, self._greeting

    def _greeted(self) -> tuple[LineProcess, dict[str, Any]]:
        process, self._prepared = self._prepared, None
        try:
            process = process or LineProcess(self._command, env=self._env)
        except OSError as error:
            words = f"cannot start {' '.join(self._command)}: {error.strerror}"
            raise AdapterDefectError(Rule.START, words) from None
        with contextlib.ExitStack() as otherwise:
            otherwise.callback(process.kill)
            answer = self._ask(process, "hello", {"protocol": PROTOCOL})
            if "ok" not in answer:
                raise AdapterDefectError(Rule.GREETING, f"the adapter did not greet back: {json.dumps(answer)}")
            otherwise.pop_all()
        return process, answer["ok"]

    def _ask(self, process: LineProcess, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "command": command, "deadline_ms": int(self.deadline_s * 1000), **arguments}
        _conform("command", message, "the suite's command")
        step = f"adapter command {command}"
        try:
            process.write_line(json.dumps(message).encode("ascii"))
            line = process.read_line(self.deadline_s)
        except TimeoutError:
            self.drop()
            raise Timeout(step, [Mismatch("answer", "one", f"none within {self.deadline_s:g} s")]) from None
        if line is None:
            with contextlib.suppress(TimeoutError):
                process.wait(_LAST_WORDS_S)
            obituary = process.obituary
            self.drop()
            raise Crashed(step, [Mismatch("answer", "one", obituary)])
        try:
            return self._answer(command, line)
        except AdapterDefectError:
            self.drop()
            raise

    def _answer(self, command: str, line: bytes) -> dict[str, Any]:
        if len(line) > _LONGEST_LINE:
            raise AdapterDefectError(Rule.JSON, f"the answer is longer than {_LONGEST_LINE} bytes")
        try:
            answer: dict[str, Any] = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise AdapterDefectError(Rule.JSON, f"the answer is not JSON ({error}): {line[:200]!r}") from None
        _conform("answer", answer, "the answer")
        if answer["id"] != self._last:
            raise AdapterDefectError(Rule.ID, f"the answer has the id {answer['id']}, not {self._last}")
        if "defect" in answer:
            words = f"the adapter reports a defect of its own: {answer['defect']['message']}"
            raise AdapterDefectError(Rule.DEFECT, words)
        if "ok" in answer:
            if command == "hello" and (spoken := answer["ok"].get("protocol")) != PROTOCOL:
                raise AdapterDefectError(Rule.VERSION, f"the adapter speaks version {spoken}, the suite {PROTOCOL}")
            _conform(f"ok/{command}", answer["ok"], "the answer")
        return answer
