"""The commands that ask a broker, each a process of its own against a server of its own."""

import contextlib
import itertools
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafka_do import Client, Message

_COMMAND = [sys.executable, "-m", "kafka_do"]
_PATIENCE_S = 30
_LEAVING_S = 5
_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Let processes hear SIGINT, also where these tests run in the background of a script, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def url(served_alone: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("KAFKA_DO_URL", served_alone)
    return served_alone


@pytest.fixture
def topic(url: str) -> str:
    """Make a topic of two partitions with the records 0 to 4 in the first."""
    name = f"topic-{next(_NUMBERS)}-of-this-file"
    with Client(url) as client:
        client.admin().create_topic(name, partitions=2)
        client.producer(name).send_batch([Message(number, key="k", partition=0) for number in range(5)])
    return name


def _run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=_PATIENCE_S, input=given
    )


@contextlib.contextmanager
def _running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [*_COMMAND, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        guard = threading.Timer(_PATIENCE_S, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def _lines(process: subprocess.Popen[bytes], number: int) -> list[bytes]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip(b"\n") for _ in range(number)]


def _on_a_terminal(*arguments: str, answer: bytes = b"", given: bytes | None = None) -> tuple[int, str]:
    """Run a command whose streams are a terminal, standard input apart where something is given."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [*_COMMAND, *arguments],
        stdin=other if given is None else subprocess.PIPE,
        stdout=other,
        stderr=other,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm"},
    )
    guard = threading.Timer(_PATIENCE_S, process.kill)
    guard.start()
    os.close(other)
    said = b""
    if given is not None:
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
    with contextlib.suppress(OSError):  # a terminal whose other end is closed
        while select.select([main], [], [], _PATIENCE_S)[0] and (more := os.read(main, 65_536)):
            said += more
            if answer and said.rstrip().endswith(b"[y/N]:"):
                os.write(main, answer)
                answer = b""
    os.close(main)
    status = process.wait(_PATIENCE_S)
    guard.cancel()
    return status, said.decode()


def test_what_is_consumed_as_json_is_produced_again_the_same(topic: str, url: str) -> None:
    with Client(url) as client:
        client.producer(topic).send(b"\xff\x00", key=b"\xfe", headers=[("h", b"\xfd"), ("h", None)], partition=1)
        client.producer(topic).send(None, key="gone", partition=1)
    read = _run("consume", topic, "--json")
    with Client(url) as client:
        client.admin().create_topic(f"{topic}-2", partitions=2)
    written = _run("produce", f"{topic}-2", "--format", "json", given=read.stdout)
    again = _run("consume", f"{topic}-2", "--json")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert again.stdout.replace(f"{topic}-2", topic) == read.stdout
    assert len(read.stdout.splitlines()) == 7


def test_a_record_that_is_refused_is_named_by_its_line_and_those_before_it_are_there(topic: str) -> None:
    lines = "".join(json.dumps({"value": number, "partition": number}) + "\n" for number in (1, 0, 2, 1))
    run = _run("produce", topic, "--format", "json", "--json", given=lines)
    assert run.returncode == 3
    assert run.stderr.startswith("kafka-do: line 3: partition_not_found: ")
    assert run.stderr.count("\n") == 1
    assert [json.loads(line)["partition"] for line in run.stdout.splitlines()] == [1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (["--key-separator", "|"], "a|1\nb\n", "line 2: there is no '|' between a key and a value"),
        (["--format", "json"], '{"value": 1}\n{"value": NaN}\n', "line 2: "),
        (["--format", "json"], '{"value": "x", "value_encoding": "base64"}\n', "line 1: "),
    ],
)
def test_a_line_that_is_no_record_is_named(topic: str, arguments: list[str], given: str, words: str) -> None:
    run = _run("produce", topic, *arguments, given=given)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"kafka-do: {words}")
    assert run.stderr.count("\n") == 1


def test_lines_are_appended_as_they_come(topic: str) -> None:
    with _running("produce", topic, "--json", "--partition", "1") as process:
        assert process.stdin is not None
        for number in range(3):
            process.stdin.write(b"%d\n" % number)
            (line,) = _lines(process, 1)
            assert json.loads(line)["offset"] == number
        process.stdin.write(b"no line break")
        process.stdin.close()
        (line,) = _lines(process, 1)
        assert json.loads(line)["offset"] == 3
        assert process.wait(_LEAVING_S) == 0


def test_following_goes_on_at_the_end_until_ctrl_c(topic: str, url: str) -> None:
    with _running("consume", topic, "--follow", "--from", "3") as process:
        assert _lines(process, 2) == [b"3", b"4"]
        with Client(url) as client:
            client.producer(topic).send("new", partition=1)
        assert _lines(process, 1) == [b'"new"']
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=_LEAVING_S)
    assert (process.returncode, out, said) == (130, b"", b"")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_member_leaves_its_group_at_a_signal_and_has_committed_what_it_wrote(
    topic: str, url: str, number: signal.Signals, status: int
) -> None:
    group = f"left-{status}"
    with _running("consume", topic, "--group", group) as process:
        assert _lines(process, 5) == [b"0", b"1", b"2", b"3", b"4"]
        with Client(url) as client:
            while client.admin().describe_group(group).total_lag:
                assert process.poll() is None
        process.send_signal(number)
        _, said = process.communicate(timeout=_LEAVING_S)
        assert (process.returncode, said) == (status, b"")
    with Client(url) as client:
        found = client.admin().describe_group(group)
    assert (found.state, found.members, found.total_lag) == ("empty", [], 0)


def test_a_member_goes_on_where_the_one_before_it_ended(topic: str) -> None:
    first = _run("consume", topic, "-g", "two", "-n", "2", "--timeout-ms", "10000")
    then = _run("consume", topic, "-g", "two", "-n", "3", "--timeout-ms", "10000")
    assert (first.stdout.split(), then.stdout.split()) == (["0", "1"], ["2", "3", "4"])


def test_a_reader_that_goes_away_ends_it_quietly(topic: str) -> None:
    with _running("consume", topic, "--follow") as process:
        assert _lines(process, 1) == [b"0"]
        assert process.stdout is not None
        process.stdout.close()
        run = _run("produce", topic, given="more\n")
        assert run.returncode == 0
        assert process.wait(_LEAVING_S) == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_too_few_records_in_the_time_have_a_status_of_their_own(topic: str) -> None:
    run = _run("consume", topic, "--follow", "--count", "6", "--timeout-ms", "100")
    assert (run.returncode, run.stdout.split()) == (6, ["0", "1", "2", "3", "4"])
    assert run.stderr == "kafka-do: 5 of 6 records had come when there was none for 100 ms\n"
    assert _run("consume", topic, "--follow", "--timeout-ms", "100").returncode == 0


def test_a_topic_that_goes_while_it_is_followed_ends_it(topic: str, url: str) -> None:
    with _running("consume", topic, "--follow") as process:
        assert _lines(process, 5)
        with Client(url) as client:
            client.admin().delete_topic(topic)
        _, said = process.communicate(timeout=_LEAVING_S)
    assert process.returncode == 3
    assert said.startswith(b"kafka-do: topic_not_found: ")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["consume", "nowhere"], 3, "topic_not_found"),
        (["consume", "nowhere", "--group", "g"], 3, "topic_not_found"),
        (["consume", "{topic}", "--partition", "2"], 3, "has 2 partitions, and 2 is none of them"),
        (["consume", "{topic}", "--from", "yesterday"], 2, "'yesterday' is none of earliest, latest"),
        (["consume", "{topic}", "--format", "{kee}"], 2, "--format is value, json, or"),
        (["consume", "{topic}", "--format", "words"], 2, "--format is value, json, or"),
        (["consume", "{topic}", "--group", "g", "--partition", "1"], 2, "exclude each other"),
        (["topics", "create", "{topic}"], 1, "`kafka-do topics alter` changes it"),
        (["topics", "create", "a b"], 1, "invalid_topic_name"),
        (["topics", "create", "c", "--config", "retention.ms"], 2, "NAME=VALUE"),
        (["topics", "alter", "{topic}"], 2, "give either --partitions or"),
        (["topics", "alter", "{topic}", "--partitions", "1"], 1, "invalid_partitions"),
        (["topics", "delete-records", "{topic}", "0=x"], 2, "unlike 0=x"),
        (["topics", "delete-records", "{topic}", "0=99"], 1, "offset_out_of_range"),
        (["groups", "describe", "nobody"], 3, "`kafka-do groups list`"),
        (["groups", "reset", "nobody", "{topic}", "--to", "latest"], 3, "group_not_found"),
        (["topics", "list", "--url", "ftp://x"], 2, "a broker's URL begins with"),
        (["topics", "list", "--url", "http://127.0.0.1:1"], 4, "`kafka-do serve` starts one"),
        (["topics", "delete", "x", "--url", "http://127.0.0.1:1"], 4, "disconnected"),
        (["topics", "list", "--api-key", "secret"], 2, "KAFKA_DO_API_KEY"),
        (["topics", "lisst"], 2, "Did you mean"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(topic: str, arguments: list[str], status: int, words: str) -> None:
    run = _run(*(topic if one == "{topic}" else one for one in arguments))
    assert (run.returncode, run.stdout) == (status, "")
    assert run.stderr.startswith("kafka-do: ")
    assert run.stderr.count("\n") == 1
    assert words in run.stderr
    assert "secret" not in run.stderr


def test_a_key_comes_from_the_environment_or_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("the-key\n", "utf-8")
    with _running("serve", "--port", "0", "--api-key-file", str(tmp_path / "key")) as server:
        (address,) = _lines(server, 1)
        where = ["--url", address.decode()]
        without = _run("topics", "list", *where)
        from_file = _run("topics", "list", *where, "--api-key-file", str(tmp_path / "key"))
        monkeypatch.setenv("KAFKA_DO_API_KEY", "the-key")
        assert (without.returncode, from_file.returncode, _run("topics", "list", *where).returncode) == (1, 0, 0)
        assert "set KAFKA_DO_API_KEY, or give --api-key-file" in without.stderr
        monkeypatch.setenv("KAFKA_DO_API_KEY", "another-key")
        refused = _run("topics", "list", *where)
    assert refused.returncode == 1
    assert "another-key" not in refused.stderr


def test_people_get_a_table_with_a_heading_and_are_told_what_was_done(topic: str) -> None:
    status, said = _on_a_terminal("topics", "describe", topic)
    assert status == 0
    assert "high watermark" in said
    assert "cleanup.policy" in said
    status, said = _on_a_terminal("produce", topic, given=b"1\n2\n")
    assert status == 0
    assert said.endswith(f"appended 2 records to {topic}\r\n")
    assert "records" in said.partition("appended")[0]


def test_people_are_asked_before_something_is_lost(topic: str, url: str) -> None:
    status, said = _on_a_terminal("topics", "delete", topic, answer=b"n\n")
    assert status == 1
    assert said.rstrip().endswith("kafka-do: nothing was done")
    with Client(url) as client:
        assert topic in [one.topic for one in client.admin().list_topics()]
        status, said = _on_a_terminal("topics", "delete", topic, answer=b"y\n")
        assert status == 0
        assert f"deleted {topic}" in said
        assert topic not in [one.topic for one in client.admin().list_topics()]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("kafka-do top", ["topics"]),
        ("kafka-do topics de", ["describe", "delete", "delete-records"]),
        ("kafka-do consume {beginning}", ["{topic}"]),
    ],
)
def test_the_shell_completes_commands_and_names(
    topic: str, words: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words.replace("{beginning}", topic.removesuffix("-of-this-file"))
    monkeypatch.setenv("_KAFKA_DO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert _run().stdout.split() == [one.replace("{topic}", topic) for one in found]


def test_the_shell_completes_names_of_the_broker_that_is_named(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    named = os.environ["KAFKA_DO_URL"]
    monkeypatch.setenv("KAFKA_DO_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("_KAFKA_DO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"kafka-do consume --url {named} {topic[:-3]}")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert _run().stdout.split() == [topic]


def test_completing_says_nothing_where_no_broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_DO_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("_KAFKA_DO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "kafka-do consume a")
    monkeypatch.setenv("COMP_CWORD", "2")
    run = _run()
    assert (run.stdout.strip(), run.stderr) == ("", "")
