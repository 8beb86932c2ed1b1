"""What the library loads: the compiled specification, the requirement registry and the message types."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from kafka_do_spec.sources import LEVELS, Sources

_FOR_READERS = ("meaning", "remedy", "example", "any_operation")
_NEVER_UNSET = re.compile(r" \| UnsetType = (?!UNSET)")


def compiled(sources: Sources) -> dict[str, Any]:
    """Return what `kafka_do.spec.Spec` is decoded from."""
    protocol = sources.protocol
    return {
        "revision": protocol["revision"],
        "site_url": protocol["site_url"],
        "error_type_base": protocol["error_type_base"],
        "features": list(protocol["features"]),
        "limits": {name: limit["reference"] for name, limit in protocol["limits"].items()},
        "defaults": protocol["defaults"],
        "topic_configs": {
            name: {fact: value for fact, value in config.items() if fact != "meaning"}
            for name, config in protocol["topic_configs"].items()
        },
        "assignors": protocol["assignors"],
        "ranges": {
            name: [schema["minimum"], schema["maximum"]]
            for name, schema in sources.openapi["components"]["schemas"].items()
            if schema.get("type") == "integer"
        },
        "errors": {
            code: {name: value for name, value in entry.items() if name not in _FOR_READERS}
            for code, entry in sources.errors.items()
        },
        "kafka": {**sources.kafka, "operations": list(sources.kafka["operations"])},
        "operations": {
            operation["operationId"]: {
                "method": method,
                "path": path,
                "feature": operation.get("x-feature", "core"),
                "success": [int(status) for status in operation["responses"] if status.startswith("2")],
                "parameters": [_parameter(sources, parameter) for parameter in _in_target(sources, operation)],
                "errors": operation["x-errors"],
            }
            for path, method, operation in sources.operations()
        },
    }


def _in_target(sources: Sources, operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters in path and query; header fields are the HTTP binding's."""
    return [parameter for parameter in operation["parameters"] if sources.resolve(parameter)["in"] != "header"]


def _parameter(sources: Sources, node: dict[str, Any]) -> dict[str, Any]:
    parameter = sources.resolve(node)
    schema = sources.resolve(parameter["schema"])
    facts: dict[str, Any] = {name: schema[name] for name in ("minimum", "maximum", "enum", "default") if name in schema}
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "type": schema["type"],
        "required": parameter.get("required", False),
        **facts,
    }


def registry(sources: Sources) -> list[dict[str, str]]:
    """Return what `kafka_do.spec.requirements` reads, in the order of the chapters."""
    return [
        {
            "id": str(requirement.ident),
            "level": next((name for name in requirement.classes if name in LEVELS), ""),
            "role": requirement.facts.get("role", ""),
            "by": requirement.facts.get("by", ""),
            "feature": requirement.facts.get("feature", ""),
            "lacks": requirement.facts.get("lacks", ""),
            "chapter": requirement.chapter,
            "text": requirement.text,
        }
        for requirement in sources.requirements
    ]


def messages(sources: Sources) -> str:
    """Return the module of message types that datamodel-code-generator makes from the schemas of `openapi.yaml`."""
    schemas = sources.openapi["components"]["schemas"]
    closed = [name for name, schema in schemas.items() if schema.get("additionalProperties") is False]
    bases = dict.fromkeys(closed, "kafka_do.core.strict.ClosedMessage")
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.yaml"
        bare = {**sources.openapi, "components": {"schemas": _without_prose(schemas)}, "paths": {}}
        document.write_text(yaml.safe_dump(bare, sort_keys=False), "utf-8")
        made = Path(folder) / "messages.py"
        options = {
            "--input": document,
            "--input-file-type": "openapi",
            "--output": made,
            "--output-model-type": "msgspec.Struct",
            "--target-python-version": "3.11",
            "--enum-field-as-literal": "all",
            "--base-class": "kafka_do.core.strict.Message",
            "--base-class-map": json.dumps(bases),
            "--type-overrides": json.dumps({"RecordValue": "msgspec.Raw"}),
            "--formatters": "builtin",
            "--custom-file-header": (
                '"""The messages of spec/openapi.yaml, made by `python -m kafka_do_spec generate`; do not edit."""\n'
            ),
        }
        flags = ["--use-standard-collections", "--use-union-operator", "--field-constraints", "--disable-timestamp"]
        command = [sys.executable, "-m", "datamodel_code_generator", *flags]
        for option, value in options.items():
            command += [option, str(value)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        source = _NEVER_UNSET.sub(" = ", made.read_text("utf-8"))
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "-"]
    return subprocess.run(ruff, input=source, check=True, capture_output=True, text=True).stdout


def _without_prose(node: Any) -> Any:
    """Drop descriptions and examples: they stand in the specification and would only fill the types."""
    if isinstance(node, dict):
        return {
            name: _without_prose(value)
            for name, value in node.items()
            if name not in ("description", "examples") or not isinstance(value, str | list)
        }
    return [_without_prose(value) for value in node] if isinstance(node, list) else node
