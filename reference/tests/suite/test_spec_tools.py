"""The specification's checker: each fault of a made-up specification is told once and precisely, ours has none."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from kafka_do_spec.check import check, faults
from kafka_do_spec.generate import stale
from kafka_do_spec.sources import Paragraph, Sources, paragraphs

_ROOT = Path(__file__).resolve().parents[3]
_CHAPTER = """# Made up

A server MUST be kind.
{: #KIND-001 .must role=server by=wire feature=core }

A client SHOULD be kind.
{: #KIND-002 .should role=client by=wire feature=core }
"""
_CASES = {"KIND-001": ["kindness"], "KIND-002": ["kindness-returned"]}
_ERROR = {
    "level": "core",
    "status": 404,
    "retriable": False,
    "indeterminate": False,
    "action": "fix",
    "fields": ["topic"],
    "raised_by": "server",
}
_OF_CLIENTS = {**{name: fact for name, fact in _ERROR.items() if name != "status"}, "raised_by": "client"}
_KAFKA: dict[str, Any] = {"operations": [], "default": {}, "when_topic_exists": {}, "overrides": {}}
_OPERATION: dict[str, Any] = {
    "operationId": "be",
    "x-chapter": "made-up.md",
    "x-access": {"topic": ["read"]},
    "x-errors": ["gone"],
    "summary": "Be",
}
_OPENAPI: dict[str, Any] = {
    "paths": {"/v1": {"get": _OPERATION}},
    "components": {"schemas": {"ItemError": {"properties": {"topic": {}}}}},
}
_PROTOCOL = {
    "levels": {"core": "Everything."},
    "features": {"core": {}},
    "scopes": {"read": {}},
    "site_url": "https://example.test/spec/",
    "error_type_base": "https://example.test/spec/errors/",
}
_MACHINE_SCHEMA = (_ROOT / "spec" / "machine.schema.json").read_text("utf-8")
_MACHINE: dict[str, Any] = {
    "title": "A lamp",
    "chapter": "made-up.md",
    "about": "It is on or off.",
    "start": "off",
    "states": {"off": "Dark.", "on": "Bright."},
    "events": {"press": "Somebody presses."},
    "guards": {"has_power": "There is power."},
    "effects": {"hum": "It hums."},
    "transitions": [
        {"from": "off", "event": "press", "if": "has_power", "to": "on", "do": ["hum"], "cites": ["KIND-001"]},
        {"from": "off", "event": "press", "to": "off"},
        {"from": "on", "event": "press", "to": "off"},
    ],
}

Faults = Callable[..., list[str]]


@pytest.fixture
def found(tmp_path: Path) -> Faults:
    """Return a way to get the faults of a made-up specification that differs from a good one in what is given."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "made-up.md").write_text(_CHAPTER, "utf-8")
    (tmp_path / "spec" / "machine.schema.json").write_text(_MACHINE_SCHEMA, "utf-8")
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "kafka_errors.json").write_text('{"rows": []}', "utf-8")

    def find(  # noqa: PLR0917  each part of the made-up specification
        chapter: str = _CHAPTER,
        cases: dict[str, list[str]] | None = None,
        errors: dict[str, dict[str, Any]] | None = None,
        openapi: dict[str, Any] | None = None,
        protocol: dict[str, Any] | None = None,
        machine: dict[str, Any] | None = None,
    ) -> list[str]:
        sources = Sources(
            root=tmp_path,
            paragraphs=tuple(paragraphs("made-up.md", chapter)),
            openapi=openapi or _OPENAPI,
            errors=errors or {"gone": _ERROR},
            kafka=_KAFKA,
            protocol=protocol or _PROTOCOL,
            machines={} if machine is None else {"lamp": machine},
        )
        return list(faults(sources, _CASES if cases is None else cases))

    return find


def test_a_good_specification_has_no_fault(found: Faults) -> None:
    assert found() == []


def test_this_specification_has_no_fault() -> None:
    assert check(_ROOT) == []


def test_what_is_generated_is_current() -> None:
    assert [str(path.relative_to(_ROOT)) for path in stale(_ROOT)] == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "{: #KIND-001 .must role=server by=wire feature=core }\n",
            "",
            [
                "spec/made-up.md:3: a normative sentence without an id: A server MUST be kind.",
                "case kindness cites KIND-001, which no chapter has",
            ],
        ),
        (
            "#KIND-001",
            "#Kind-1",
            [
                "spec/made-up.md:3: Kind-1 does not have the form of an id, like PRODUCE-007",
                "case kindness cites KIND-001, which no chapter has",
                "spec/made-up.md:3: Kind-1 has no case",
            ],
        ),
        (
            "A client SHOULD",
            "A client MAY",
            ["spec/made-up.md:6: KIND-002 is .should, but its sentence does not say SHOULD"],
        ),
        (
            "A server MUST",
            "A server SHOULD",
            ["spec/made-up.md:3: KIND-001 is .must, but its sentence does not say MUST"],
        ),
        (
            " .must",
            "",
            ["spec/made-up.md:3: KIND-001 has to have one of the classes .must .should .may"],
        ),
        (
            ".must ",
            ".must .should ",
            ["spec/made-up.md:3: KIND-001 has to have one of the classes .must .should .may"],
        ),
        ("role=server", "role=broker", ["spec/made-up.md:3: KIND-001 has role=broker; allowed: server, client"]),
        ("role=server ", "", ["spec/made-up.md:3: KIND-001 has role=None; allowed: server, client"]),
        (
            "role=client by=wire",
            "role=client by=hope",
            ["spec/made-up.md:6: KIND-002 has by=hope; allowed: wire, history, control, review"],
        ),
        (
            "role=client by=wire feature=core",
            "role=client by=wire feature=extra",
            ["spec/made-up.md:6: KIND-002 has feature=extra; allowed: core"],
        ),
    ],
)
def test_a_fault_of_a_paragraph_is_told_with_its_place(old: str, new: str, expected: list[str], found: Faults) -> None:
    assert _CHAPTER.count(old) == 1
    assert found(_CHAPTER.replace(old, new)) == expected


def test_an_id_that_is_used_twice_is_told_at_both_places(found: Faults) -> None:
    assert found(_CHAPTER.replace("KIND-002", "KIND-001"), {"KIND-001": ["kindness"]}) == [
        "spec/made-up.md:3: the id KIND-001 is used twice",
        "spec/made-up.md:6: the id KIND-001 is used twice",
    ]


def test_a_requirement_without_a_case_is_told_with_its_place(found: Faults) -> None:
    assert found(cases={"KIND-001": ["kindness"]}) == ["spec/made-up.md:6: KIND-002 has no case"]


def test_a_case_that_cites_what_no_chapter_has_is_told(found: Faults) -> None:
    cases = {**_CASES, "CRUEL-001": ["cruelty", "more-cruelty"]}
    assert found(cases=cases) == ["case cruelty cites CRUEL-001, which no chapter has"]


def test_few_requirements_may_be_excused_from_cases(found: Faults) -> None:
    sentence = "A server MUST be kind.\n{{: #KIND-{:03} .must role=server by={} feature=core }}\n\n"
    cases = {f"KIND-{number:03}": ["kindness"] for number in range(1, 100)}
    chapter = "".join(sentence.format(number, "wire") for number in range(1, 98))
    two, four = (
        chapter + "".join(sentence.format(number, "review") for number in numbers)
        for numbers in (range(100, 102), range(100, 104))
    )
    known = {ident: slugs for ident, slugs in cases.items() if ident < "KIND-098"}
    assert found(two, known) == []
    assert found(four, known) == ["4 of 101 requirements are excused from cases (by=review); at most 3% may be"]


def test_a_note_may_use_the_words_without_being_a_requirement(found: Faults) -> None:
    assert found(_CHAPTER + "\nThe word MUST is loud.\n{: .note }\n") == []


@pytest.mark.parametrize("word", ["MUST", "MUST NOT", "SHOULD", "MAY", "SHALL", "REQUIRED", "RECOMMENDED", "OPTIONAL"])
def test_each_of_the_words_makes_a_sentence_normative(word: str, found: Faults) -> None:
    assert found(_CHAPTER + f"\nIt {word} rain.\n") == [
        f"spec/made-up.md:9: a normative sentence without an id: It {word} rain."
    ]


@pytest.mark.parametrize("text", ["It must rain.", "MUSTARD is yellow.", "```\nIt MUST rain.\n```"])
def test_what_is_no_normative_sentence_needs_no_id(text: str, found: Faults) -> None:
    assert found(f"{_CHAPTER}\n{text}\n") == []


@pytest.mark.parametrize("code", ["unheard_of", "lost"], ids=["unknown", "raised by clients"])
def test_an_operation_that_lists_a_code_that_servers_do_not_raise_is_told(code: str, found: Faults) -> None:
    openapi = deepcopy(_OPENAPI)
    openapi["paths"]["/v1"]["get"]["x-errors"].append(code)
    errors = {"gone": _ERROR, "lost": _OF_CLIENTS}
    assert found(openapi=openapi, errors=errors) == [
        f"openapi.yaml: GET /v1: errors.yaml has no code {code} that servers raise"
    ]


@pytest.mark.parametrize("member", ["operationId", "summary", "x-errors"])
def test_an_operation_without_one_of_its_members_is_told(member: str, found: Faults) -> None:
    openapi = deepcopy(_OPENAPI)
    del openapi["paths"]["/v1"]["get"][member]
    assert found(openapi=openapi) == [f"openapi.yaml: GET /v1: {member} is missing"]


def test_an_operation_of_a_chapter_that_does_not_exist_is_told(found: Faults) -> None:
    openapi = deepcopy(_OPENAPI)
    openapi["paths"]["/v1"]["get"]["x-chapter"] = "nowhere.md"
    assert found(openapi=openapi) == ["openapi.yaml: GET /v1: there is no chapter nowhere.md"]


def test_an_operation_without_a_chapter_is_told_once(found: Faults) -> None:
    openapi = deepcopy(_OPENAPI)
    del openapi["paths"]["/v1"]["get"]["x-chapter"]
    assert found(openapi=openapi) == ["openapi.yaml: GET /v1: x-chapter is missing"]


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ({}, "x-access has to say which scopes are needed"),
        ({"topic": ["write"]}, "x-access: protocol.yaml has no scope write"),
        ({"shelf": ["read"]}, "x-access: there is no shelf"),
    ],
)
def test_an_operation_that_does_not_say_which_scopes_it_needs_is_told(
    access: dict[str, list[str]], words: str, found: Faults
) -> None:
    openapi = deepcopy(_OPENAPI)
    openapi["paths"]["/v1"]["get"]["x-access"] = access
    (fault,) = found(openapi=openapi)
    assert fault.startswith(f"openapi.yaml: GET /v1: {words}")


@pytest.mark.parametrize("entry", [{**_OF_CLIENTS, "raised_by": "server"}, {**_ERROR, "raised_by": "client"}])
def test_a_code_that_has_a_status_and_is_raised_by_clients_or_the_reverse_is_told(
    entry: dict[str, Any], found: Faults
) -> None:
    assert found(errors={"gone": _ERROR, "odd": entry}) == [
        "errors.yaml: odd: a code has a status exactly if servers raise it"
    ]


def test_a_code_with_a_field_that_no_error_has_is_told(found: Faults) -> None:
    errors = {"gone": {**_ERROR, "fields": ["topic", "weather"]}}
    assert found(errors=errors) == ["errors.yaml: gone: the schema ItemError has no member weather"]


def test_error_pages_that_lie_elsewhere_are_told(found: Faults) -> None:
    protocol = {**_PROTOCOL, "error_type_base": "https://elsewhere.test/errors/"}
    assert found(protocol=protocol) == ["protocol.yaml: error_type_base does not lie on the published site"]


def test_a_good_machine_has_no_fault(found: Faults) -> None:
    assert found(machine=_MACHINE) == []


def test_a_machine_of_another_form_is_told(found: Faults) -> None:
    assert found(machine={**_MACHINE, "colour": "red"}) == [
        "machines/lamp.yaml: $: Additional properties are not allowed ('colour' was unexpected)"
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"chapter": "nowhere.md"}, ["there is no chapter nowhere.md"]),
        ({"events": {"press": "P.", "drop": "D."}}, ["events has drop, which is not used"]),
        ({"effects": {"buzz": "B."}}, ["effects has no hum, which is used", "effects has buzz, which is not used"]),
        (
            {"states": {"off": "Dark.", "on": "Bright.", "lost": "Gone."}},
            ["states has lost, which is not used", "nothing leads to the state lost"],
        ),
    ],
)
def test_a_machine_whose_names_do_not_fit_is_told(change: dict[str, Any], expected: list[str], found: Faults) -> None:
    assert found(machine={**_MACHINE, **change}) == [f"machines/lamp.yaml: {fault}" for fault in expected]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (
            [1, 0, 2],
            [
                "off, press: the last transition has a guard, so there may be none to take",
                "off, press: behind a transition without a guard there is another, which is never taken",
            ],
        ),
        ([0, 0, 1, 2], ["off, press: a guard stands twice"]),
        (
            [0, 2, 1],
            [
                "off, press: the last transition has a guard, so there may be none to take",
                "off, press: the transitions do not stand together",
            ],
        ),
    ],
)
def test_transitions_of_which_not_exactly_one_is_taken_are_told(
    order: list[int], expected: list[str], found: Faults
) -> None:
    machine = {**_MACHINE, "transitions": [_MACHINE["transitions"][place] for place in order]}
    assert found(machine=machine) == [f"machines/lamp.yaml: {fault}" for fault in expected]


def test_a_machine_that_cites_what_no_chapter_has_is_told(found: Faults) -> None:
    first, *others = _MACHINE["transitions"]
    machine = {**_MACHINE, "transitions": [{**first, "cites": ["KIND-009"]}, *others]}
    assert found(machine=machine) == ["machines/lamp.yaml: KIND-009 is cited, which no chapter has"]


def test_a_chapter_is_split_into_paragraphs_with_their_lines_and_attributes() -> None:
    found = paragraphs(
        "a.md", "# A\n\nOne\n  two.\n{: #A-001 .must .x role=server by=wire feature=two_words odd }\n\n\n- a\n- b\n"
    )
    assert found == [
        Paragraph("a.md", 1, "# A", None, (), {}),
        Paragraph(
            "a.md", 3, "One two.", "A-001", ("must", "x"), {"role": "server", "by": "wire", "feature": "two_words"}
        ),
        Paragraph("a.md", 8, "- a - b", None, (), {}),
    ]
    assert found[1].place == "spec/a.md:3"


def test_code_is_no_paragraph() -> None:
    assert [p.text for p in paragraphs("a.md", "One.\n\n```sh\nrm\n\nMUST\n```\n\nTwo.\n")] == ["One.", "Two."]


def test_a_paragraph_that_touches_code_keeps_its_line() -> None:
    found = paragraphs("a.md", "One.\n```\ncode\n```\nTwo.\n\nThree.\n")
    assert [(p.line, p.text) for p in found] == [(1, "One."), (5, "Two."), (7, "Three.")]
