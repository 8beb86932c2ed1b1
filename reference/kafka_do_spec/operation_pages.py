"""The operations of `openapi.yaml` as pages: one for each, and an index."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka_do_spec.error_examples import codes_of_any_operation, make_example, make_item_example
from kafka_do_spec.error_pages import say_status
from kafka_do_spec.markdown import (
    fence,
    lay_out_json,
    quote_code,
    rebase_links,
    say_yes,
    split_sentences,
    write_list,
    write_page,
    write_section,
    write_table,
)
from kafka_do_spec.requirement_page import chapter_title, link_requirement
from kafka_do_spec.schemas import describe, describe_default, describe_type, find_objects, write_objects
from kafka_do_spec.sources import Sources

_TO_CHAPTERS = "../../"


class _Operation(NamedTuple):
    path: str
    method: str
    node: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.node["operationId"])

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def chapter(self) -> str:
        return str(self.node["x-chapter"])

    @property
    def successes(self) -> dict[str, dict[str, Any]]:
        return {status: answer for status, answer in self.node["responses"].items() if status.startswith("2")}


def operation_pages(sources: Sources) -> dict[str, str]:
    """Return path → text of the index and of each operation's page."""
    operations = [_Operation(*found) for found in sources.operations()]
    pages = {f"operations/{operation.name}.md": _write_operation(sources, operation) for operation in operations}
    return {"operations/index.md": _write_index(operations), **pages}


def _write_index(operations: list[_Operation]) -> str:
    rows = [
        [f"[{operation.name}]({operation.name}.md)", quote_code([operation.line]), operation.node["summary"]]
        for operation in operations
    ]
    return write_page(
        "Operations",
        "Every operation of the protocol. What holds for all of them is in the chapter "
        "[Conventions](../../conventions.md).",
        write_table(["Operation", "Request", "What it does"], rows),
        "The same as data: [openapi.yaml](../../openapi.yaml), and with every error status written out "
        "[openapi.json](../openapi.json).",
    )


def _write_operation(sources: Sources, operation: _Operation) -> str:
    asked = find_objects(sources, "request", _schema_of(operation.node.get("requestBody", {})))
    answered = {
        title: schema
        for answer in operation.successes.values()
        for title, schema in find_objects(sources, "answer", _schema_of(answer)).items()
        if title not in asked
    }
    streamed = {
        title: schema
        for stream in _streams_of(operation).values()
        for title, schema in find_objects(sources, "line", stream["x-lines"]).items()
        if title not in asked | answered
    }
    chapter = f"[{chapter_title(sources, operation.chapter)}]({_TO_CHAPTERS}{operation.chapter})"
    return write_page(
        operation.name,
        f"{operation.node['summary']}.",
        fence("http", operation.line),
        f"Its rules are in the chapter {chapter}.",
        write_section("Parameters", _write_parameters(sources, operation)),
        write_section("Request body", *write_objects(sources, asked)),
        write_section("Answer", _write_statuses(operation), *write_objects(sources, answered)),
        write_section("Streams", _write_streams(sources, operation), *write_objects(sources, streamed)),
        write_section("Errors", _write_errors(sources, operation), _write_common_errors(sources)),
        write_section("Examples", *_write_examples(sources, operation)),
        write_section("Examples of errors", *_write_error_examples(sources, operation)),
        write_section("Requirements", _write_requirements(sources, operation)),
    )


def _write_parameters(sources: Sources, operation: _Operation) -> str:
    rows = [
        [
            quote_code([parameter["name"]]),
            parameter["in"],
            describe_type(sources, parameter["name"], parameter["schema"]),
            say_yes(when=parameter.get("required", False)),
            describe_default(sources, parameter["schema"]),
            parameter.get("description", ""),
        ]
        for parameter in _parameters(sources, operation)
    ]
    return write_table(["Parameter", "In", "Type", "Required", "Default", "Meaning"], rows)


def _write_statuses(operation: _Operation) -> str:
    return write_table(
        ["Status", "Meaning"], [[status, answer["description"]] for status, answer in operation.successes.items()]
    )


def _write_streams(sources: Sources, operation: _Operation) -> str:
    """Say what each media type of a stream holds, and what one looks like."""
    streams = _streams_of(operation)
    if not streams:
        return ""
    rows = [[quote_code([name]), describe(sources, stream["schema"])] for name, stream in streams.items()]
    (line,) = {describe_type(sources, "line", stream["x-lines"]) for stream in streams.values()}
    examples = [
        part
        for name, stream in streams.items()
        for example in stream.get("examples", {}).values()
        for part in (f"As {quote_code([name])}. {example['summary']}:", fence("text", example["value"].rstrip("\n")))
    ]
    return "\n\n".join(
        [
            f"With the feature `streams`, as the chapter [Live streams]({_TO_CHAPTERS}streams.md) says.",
            write_table(["Accept", "Answer"], rows),
            f"A line is a {line}.",
            *examples,
        ]
    )


def _write_errors(sources: Sources, operation: _Operation) -> str:
    rows = [
        [_link_code(code), say_status(entry), say_yes(when=entry["retriable"]), split_sentences(entry["meaning"])[0]]
        for code in operation.node["x-errors"]
        for entry in [sources.errors[code]]
    ]
    return write_table(["Code", "Status", "Retriable", "When"], rows) + _write_item_errors(operation)


def _write_item_errors(operation: _Operation) -> str:
    codes = ", ".join(_link_code(code) for code in operation.node.get("x-item-errors", []))
    return f"\n\nAn item of the answer can have: {codes}." if codes else ""


def _write_common_errors(sources: Sources) -> str:
    codes = [f"{_link_code(code)} ({say_status(sources.errors[code])})" for code in codes_of_any_operation(sources)]
    return f"Codes that are bound to no operation, and can answer any request that they fit: {', '.join(codes)}."


def _write_examples(sources: Sources, operation: _Operation) -> Iterator[str]:
    """Yield each example request as a curl line with the answer of the same name, then the other answers."""
    answers = {
        (status, name): example
        for status, answer in operation.successes.items()
        for name, example in _examples_of(answer).items()
    }
    requests = _examples_of(operation.node.get("requestBody", {}))
    for name, request in requests.items():
        yield f"{request['summary']}:"
        yield fence("sh", _write_curl(sources, operation, request["value"]))
        for key in [key for key in answers if key[1] == name]:
            yield from _write_answer(key[0], answers.pop(key))
    if not requests:
        yield fence("sh", _write_curl(sources, operation, None))
    for (status, _), example in answers.items():
        yield from _write_answer(status, example)


def _write_answer(status: str, example: dict[str, Any]) -> Iterator[str]:
    yield f"Status {status}. {example['summary']}:"
    yield fence("json", lay_out_json(example["value"]))


def _write_error_examples(sources: Sources, operation: _Operation) -> Iterator[str]:
    for code in operation.node["x-errors"]:
        yield f"Status {say_status(sources.errors[code])}. {_link_code(code)}:"
        yield fence("json", lay_out_json(make_example(sources, code, operation.node)))
    for code in operation.node.get("x-item-errors", []):
        yield f"The error of an item. {_link_code(code)}:"
        yield fence("json", lay_out_json(make_item_example(sources, code, operation.node)))


def _write_curl(sources: Sources, operation: _Operation, body: Any) -> str:
    url = sources.openapi["servers"][0]["url"] + operation.path
    query = []
    for parameter in _parameters(sources, operation):
        name = parameter["name"]
        if parameter["in"] == "path":
            url = url.replace(f"{{{name}}}", _example_value(sources, operation, parameter))
        elif parameter.get("required"):
            query.append(f"{name}={_example_value(sources, operation, parameter)}")
    address = f"'{url}?{'&'.join(query)}'" if query else url
    method = "" if operation.method == ("GET" if body is None else "POST") else f"-X {operation.method} "
    if body is None:
        return f"curl {method}{address}"
    (media_type,) = operation.node["requestBody"]["content"]
    text = lay_out_json(body).replace("'", r"'\''")
    return f"curl {method}{address} \\\n  -H 'Content-Type: {media_type}' \\\n  -d '{text}'"


def _example_value(sources: Sources, operation: _Operation, parameter: dict[str, Any]) -> str:
    """Return what stands for a parameter: the schema's example, else what the answer's example has under its name."""
    schema = sources.resolve(parameter["schema"])
    answers = [example["value"] for answer in operation.successes.values() for example in _examples_of(answer).values()]
    found = [*schema.get("examples", []), *_find_values(parameter["name"], answers), schema.get("minimum")]
    return str(found[0])


def _find_values(name: str, node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        if name in node:
            yield node[name]
        for value in node.values():
            yield from _find_values(name, value)
    elif isinstance(node, list):
        for item in node:
            yield from _find_values(name, item)


def _write_requirements(sources: Sources, operation: _Operation) -> str:
    chapter = [requirement for requirement in sources.requirements if requirement.chapter == operation.chapter]
    return write_list(
        f"{link_requirement(requirement, _TO_CHAPTERS)} ({requirement.facts.get('role', '')}): "
        f"{rebase_links(requirement.text, _TO_CHAPTERS)}"
        for requirement in chapter
    )


def _parameters(sources: Sources, operation: _Operation) -> list[dict[str, Any]]:
    return [sources.resolve(parameter) for parameter in operation.node["parameters"]]


def _schema_of(message: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a request body or response, which has one media type; an empty one without a body."""
    return next((dict(content["schema"]) for content in message.get("content", {}).values()), {})


def _streams_of(operation: _Operation) -> dict[str, dict[str, Any]]:
    """Return the streams that an operation can answer, by their media types."""
    return {
        name: content
        for answer in operation.successes.values()
        for name, content in answer.get("content", {}).items()
        if "x-lines" in content
    }


def _examples_of(message: dict[str, Any]) -> dict[str, Any]:
    return next((dict(content.get("examples", {})) for content in message.get("content", {}).values()), {})


def _link_code(code: str) -> str:
    return f"[`{code}`](../errors/{code}.md)"
