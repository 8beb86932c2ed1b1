"""The OpenAPI document for tools: `openapi.yaml` with every error that an operation can answer written out."""

import json
from typing import Any

from kafka_do_spec.error_examples import codes_by_status, make_example, make_item_example
from kafka_do_spec.sources import Sources


def openapi(sources: Sources) -> dict[str, Any]:
    """Return the document. Instead of `default` each operation has a response for each status, with all its codes."""
    document: dict[str, Any] = json.loads(json.dumps(sources.openapi))
    for path, method, source in sources.operations():
        operation = document["paths"][path][method.lower()]
        del operation["responses"]["default"]
        for status, codes in codes_by_status(sources, source).items():
            operation["responses"][status] = _response(sources, source, codes)
        for code in operation.get("x-item-errors", []):
            _add_item_example(sources, operation, code)
        operation.pop("x-error-examples", None)
    return document


def _response(sources: Sources, operation: dict[str, Any], codes: list[str]) -> dict[str, Any]:
    return {
        "description": "; ".join(f"`{code}`: {sources.errors[code]['title']}" for code in codes),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    code: {
                        "summary": sources.errors[code]["title"],
                        "value": make_example(sources, code, operation),
                    }
                    for code in codes
                },
            }
        },
    }


def _add_item_example(sources: Sources, operation: dict[str, Any], code: str) -> None:
    """Add to the answer an example in which one item failed."""
    answer = operation["responses"]["200"]["content"]["application/json"]
    (items,) = sources.resolve(answer["schema"])["required"]
    error = make_item_example(sources, code, operation)
    place = {"topic": "orders", "partition": 0, **error}
    answer["examples"][code] = {
        "summary": f"An item's error. {sources.errors[code]['title']}",
        "value": {items: [{"topic": place["topic"], "partition": place["partition"], "error": error}]},
    }
