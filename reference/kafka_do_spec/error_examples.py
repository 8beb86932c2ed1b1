"""Which errors an operation can answer, and an example of each: the one place where examples of errors are made."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from kafka_do_spec.markdown import split_sentences
from kafka_do_spec.schemas import list_members
from kafka_do_spec.sources import Sources

_BEFORE_ANY_OPERATION = ("route_not_found", "method_not_allowed")
"""Who is answered one of these has not reached an operation."""

_A_MEMBER = "7d6f2c1e-5a0b-4c59-9d2e-3f1b8a6c4e21"
_OF_EVERY_PROBLEM = ("instance", "request_id")


def codes_of_any_operation(sources: Sources) -> list[str]:
    """Return the codes that are bound to no operation."""
    return [code for code, entry in sources.errors.items() if entry.get("any_operation")]


def codes_by_status(sources: Sources, operation: dict[str, Any]) -> dict[str, list[str]]:
    """Return status → codes of everything that the operation can answer instead of succeeding.

    The operation's own codes come first. Of those that any operation can answer, the ones of the core level are there;
    `unauthorized` is not where the operation needs no key.
    """
    excluded = (*_BEFORE_ANY_OPERATION, *(["unauthorized"] if operation.get("security") == [] else []))
    common = [
        code
        for code in codes_of_any_operation(sources)
        if code not in excluded and sources.errors[code]["level"] == "core"
    ]
    by_status: dict[str, list[str]] = {}
    for code in dict.fromkeys([*operation["x-errors"], *common]):
        by_status.setdefault(str(sources.errors[code]["status"]), []).append(code)
    return dict(sorted(by_status.items()))


def make_example(sources: Sources, code: str, operation: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an example of a code as a problem; with an operation, one that it could answer.

    Flags, title and status are the catalogue's. What a person wrote wins, and the nearer wins over the farther:
    `x-error-examples` of the operation, `example` of the code, an example of the response `Problem`. Members that
    nobody wrote for this code have the values that they have elsewhere in `openapi.yaml`.
    """
    entry = sources.errors[code]
    members = list_members(sources, sources.openapi["components"]["schemas"]["Problem"])
    typical = {member.name: member.node["examples"][0] for member in members if "examples" in member.node}
    examples = list(_walk_examples(sources.openapi))
    of_item = next((example for example in examples if example.get("code") == code), {})
    problem = {
        "type": write_type(sources, code),
        "title": entry["title"],
        "status": entry["status"],
        "detail": of_item.get("detail", split_sentences(entry["meaning"])[0].replace("`", "")),
        "code": code,
        "retriable": entry["retriable"],
        "indeterminate": entry["indeterminate"],
    }
    order = [*problem, *(member.name for member in members)]
    problem |= _find_written(sources, code, operation or {})
    if operation is not None and "instance" in order:
        problem["instance"] = _say_path(sources, operation, problem)
    always = [member.name for member in members if member.required or member.name in _OF_EVERY_PROBLEM]
    for name in [*entry["fields"], *always]:
        if name not in problem:
            problem[name] = _find_value(name, [of_item, typical, *examples])
    return dict(sorted(problem.items(), key=lambda member: order.index(member[0])))


def make_item_example(sources: Sources, code: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Return an example of a code as the error of one item of the operation's answer."""
    problem = make_example(sources, code, operation)
    members = list_members(sources, sources.openapi["components"]["schemas"]["ItemError"])
    return {member.name: problem[member.name] for member in members if member.name in problem}


def write_type(sources: Sources, code: str) -> str:
    """Return the address of a code's page, which is an error's `type`."""
    return f"{sources.protocol['error_type_base']}{code}/"


def _find_written(sources: Sources, code: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Return the members that a person wrote; the faults of a malformed request tell its `detail`, too."""
    nearest = dict(operation.get("x-error-examples", {}).get(code, {}))
    if "errors" in nearest:
        faults = [f"{fault['pointer'] or 'the body'}: {fault['detail']}" for fault in nearest["errors"]]
        nearest.setdefault("detail", "; ".join(faults))
    return {**_find_problem(sources, code), **sources.errors[code].get("example", {}), **nearest}


def _say_path(sources: Sources, operation: dict[str, Any], problem: dict[str, Any]) -> str:
    """Return the path of a request that is answered with the problem."""
    paths = {node["operationId"]: path for path, _, node in sources.operations()}
    values = {"topic": "orders", "partition": 1, "group": "billing", "member": _A_MEMBER, **problem}
    return paths[operation["operationId"]].format_map({name: quote(str(value), "") for name, value in values.items()})


def _find_problem(sources: Sources, code: str) -> dict[str, Any]:
    (content,) = sources.openapi["components"]["responses"]["Problem"]["content"].values()
    values = (example["value"] for example in content["examples"].values())
    return next((value for value in values if value["code"] == code), {})


def _find_value(name: str, examples: list[dict[str, Any]]) -> Any:
    for example in examples:
        if name in example:
            return example[name]
    raise LookupError(f"openapi.yaml has no example with `{name}`, which an error has to have")


def _walk_examples(node: Any, *, inside: bool = False) -> Iterator[dict[str, Any]]:
    """Yield every object within the examples of `openapi.yaml`, outer ones first."""
    if isinstance(node, dict):
        if inside:
            yield node
        for name, value in node.items():
            yield from _walk_examples(value, inside=inside or name == "examples")
    elif isinstance(node, list):
        for item in node:
            yield from _walk_examples(item, inside=inside)
