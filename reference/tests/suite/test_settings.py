"""One implementation in different settings: which one a case is judged on, and what no report may show."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from kafka_do.spec import SPEC, requirements
from kafka_do_conformance.case import CodeCase
from kafka_do_conformance.judge import judge
from kafka_do_conformance.limited_keys import LIMITED_KEYS
from kafka_do_conformance.load import load_all
from kafka_do_conformance.peer import Peer, ScriptedAnswer
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.target import ServerTarget, Targets, UnknownImplError, parse_impl
from kafka_do_conformance.verdict import Mismatch, NotApplicable, Status, Violation

_JSON = (("Content-Type", "application/json"),)
_KEY = "a-key-of-the-test"
_ORIGIN = "https://shop.example"


def _case(
    *requirements: str, run: Callable[[ServerSession], None] | None = None, lacks: tuple[str, ...] = ()
) -> CodeCase:
    return CodeCase(
        "made-up", "A title", requirements, "A hint", "none", run_server=run or (lambda _: None), lacks=lacks
    )


def _peer(*features: str) -> Peer:
    body = json.dumps({"features": features, "limits": SPEC.limits}).encode()
    return Peer(always=ScriptedAnswer(200, _JSON, body))


def _targets(*servers: ServerTarget) -> Targets:
    return Targets("made-up", servers, None, lambda: servers[0])


@pytest.mark.parametrize(
    ("case", "first"),
    [
        (_case("FETCH-001"), True),
        (_case("AUTH-001"), True),
        (_case("CORS-001", "AUTH-001"), True),
        (_case("CORS-005"), False),
        (_case("AUTH-005"), False),
        (_case("FETCH-001", lacks=("cors",)), False),
    ],
    ids=lambda value: "+".join((*value.requirements, *value.lacks)) if isinstance(value, CodeCase) else None,
)
def test_a_case_is_judged_in_the_first_setting_that_it_is_for(case: CodeCase, *, first: bool) -> None:
    with _peer("core", "api_keys", "cors") as everything, _peer("core") as nothing:
        one = ServerTarget(url=everything.url, api_key=_KEY, origin=_ORIGIN)
        other = ServerTarget(url=nothing.url)
        assert _targets(one, other).server_for(case) is (one if first else other)


@pytest.mark.parametrize(
    ("features", "target", "case", "words"),
    [
        (("core",), {}, _case("AUTH-001"), "does not list api_keys"),
        (("core", "cors"), {"origin": _ORIGIN}, _case("CORS-005"), "about servers without cors"),
        (("core", "cors"), {}, _case("CORS-001"), "--origin"),
        (("core", "api_keys"), {}, _case("FETCH-001"), "--api-key"),
    ],
    ids=["lacks-what-is-needed", "has-what-is-excluded", "no-origin", "no-key"],
)
def test_a_case_that_is_for_no_setting_is_not_applicable(
    features: tuple[str, ...], target: dict[str, str], case: CodeCase, words: str
) -> None:
    with _peer(*features) as peer:
        targets = _targets(ServerTarget(url=peer.url, **target))  # type: ignore[arg-type]
        with pytest.raises(NotApplicable, match=words):
            targets.server_for(case)
        assert judge(case, "server", targets).status is Status.NOT_APPLICABLE


def test_a_feature_that_is_listed_but_missing_is_a_failure() -> None:
    case = next(case for case in load_all() if case.slug == "requests-without-a-valid-key")
    with _peer("core", "api_keys") as peer:
        result = judge(case, "server", _targets(ServerTarget(url=peer.url, api_key=_KEY)))
    assert result.status is Status.FAIL


def test_a_server_without_a_discovery_is_judged_by_what_every_server_has() -> None:
    with Peer(always=ScriptedAnswer(500, _JSON, b"{")) as peer:
        targets = _targets(ServerTarget(url=peer.url))
        assert targets.server_for(_case("FETCH-001")) is targets.servers[0]


def test_a_key_goes_with_every_request_unless_the_case_says_otherwise() -> None:
    with Peer(always=ScriptedAnswer()) as peer:
        session = ServerSession(ServerTarget(url=peer.url).wire(), api_key=_KEY)
        session.send("GET", "/v1/a")
        session.send("GET", "/v1/b", headers=(("authorization", "Bearer other"),))
        session.send("GET", "/v1/c", headers=(("Authorization", None), ("X-A", "b")))
        session.wire.close()
    assert [request.header("Authorization") for request in peer.requests] == [f"Bearer {_KEY}", "Bearer other", None]
    assert peer.requests[2].header("X-A") == "b"


def test_no_result_shows_a_key_wherever_it_was_seen() -> None:
    def fail(session: ServerSession) -> None:
        session.send("GET", f"/v1?key={_KEY}")
        seen = [Mismatch(f"place {_KEY}", f"allowed {_KEY}", f"seen {_KEY}")]
        raise Violation(f"step {_KEY}", seen, session.exchanges)

    def break_down(_: ServerSession) -> None:
        raise RuntimeError(_KEY)

    with Peer(always=ScriptedAnswer(200, _JSON, json.dumps({"features": ["core"], "key": _KEY}).encode())) as peer:
        targets = _targets(ServerTarget(url=peer.url, api_key=_KEY))
        results = [judge(_case("FETCH-001", run=run), "server", targets) for run in (fail, break_down)]
    assert [result.status for result in results] == [Status.FAIL, Status.HARNESS_ERROR]
    assert all(_KEY not in repr(result) for result in results)
    assert "place <the key>" in repr(results[0])


@pytest.mark.parametrize("impl", ["reference", "cmd:./adapter"])
@pytest.mark.parametrize("option", [{"api_key": _KEY}, {"keys": [f"reader={_KEY}"]}, {"origin": _ORIGIN}])
def test_keys_and_origins_are_for_servers_at_an_address(impl: str, option: dict[str, Any]) -> None:
    with pytest.raises(UnknownImplError, match="--api-key, --key and --origin are for --impl=http") as refused:
        parse_impl(impl, **option)
    assert _KEY not in str(refused.value)


def test_the_reference_is_judged_with_every_feature_and_with_none() -> None:
    targets = parse_impl("reference")
    try:
        everything, nothing = targets.offers("server")
    finally:
        targets.close()
    assert set(everything) == {entry.feature for entry in requirements().values() if entry.role == "server"}
    assert nothing == ["core"]
    assert len(targets.secrets[0]) >= 32


def test_limited_keys_are_given_by_name_and_no_message_repeats_one() -> None:
    given = [f"{name}={_KEY}-{name}" for name in LIMITED_KEYS]
    targets = parse_impl("http://127.0.0.1:1", api_key=_KEY, keys=given)
    assert targets.servers[0].keys == {name: f"{_KEY}-{name}" for name in LIMITED_KEYS}
    assert len(targets.secrets) == 1 + len(LIMITED_KEYS)
    for wrong in (f"somebody={_KEY}", _KEY, "reader="):
        with pytest.raises(UnknownImplError, match="--key 2 has to be NAME=KEY, NAME one of reader, writer") as refused:
            parse_impl("http://127.0.0.1:1", keys=[given[0], wrong])
        assert _KEY not in str(refused.value)


def test_what_is_about_limited_keys_is_judged_where_they_are_given_and_quotas_where_nobody_else_uses_them() -> None:
    scopes, quotas = _case("SCOPE-001"), _case("QUOTA-001")
    keys = {name: f"{_KEY}-{name}" for name in LIMITED_KEYS}
    with _peer("core", "scopes", "quotas") as peer:
        assert "--key weighed=KEY" in ServerTarget(url=peer.url, keys={**keys, "weighed": ""}).unfit(scopes)
        assert "--key reader=KEY" in ServerTarget(url=peer.url).unfit(quotas)
        assert ServerTarget(url=peer.url).unfit(_case("FETCH-001")) == ""
        for is_shared in (False, True):
            target = ServerTarget(url=peer.url, keys=keys, is_shared=is_shared)
            assert target.unfit(scopes) == ""
            assert ("run without -n" in target.unfit(quotas)) is is_shared


def test_what_needs_the_clock_is_judged_where_it_is_offered_and_nobody_else_looks() -> None:
    case = _case("CONTROL-001")
    with _peer("core", "control") as offering, _peer("core") as without:
        alone, shared = ServerTarget(url=offering.url), ServerTarget(url=offering.url, is_shared=True)
        assert alone.unfit(case) == ""
        assert "run without -n" in shared.unfit(case)
        assert shared.unfit(_case("FETCH-001")) == ""
        assert "does not list control" in ServerTarget(url=without.url).unfit(case)


def test_no_fault_is_left_behind_by_a_case_that_failed() -> None:
    def fail(session: ServerSession) -> None:
        session.inject("fetch", "drop_before")
        raise Violation("step", [])

    with Peer(always=ScriptedAnswer(204)) as peer:
        targets = _targets(ServerTarget(url=peer.url))
        assert judge(_case("FETCH-001", run=fail), "server", targets).status is Status.FAIL
        assert judge(_case("FETCH-001"), "server", targets).status is Status.PASS
    asked = [(request.method, request.target) for request in peer.requests]
    assert asked.count(("DELETE", "/v1/control/faults")) == 1
    assert asked[-1] == ("DELETE", "/v1/control/faults")
