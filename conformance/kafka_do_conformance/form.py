"""Whether a value has the form that a schema says: a fast validator is asked, another explains it to people."""

from typing import Any

import jsonschema
import jsonschema_rs

__all__ = ["Form"]


class Form:
    """A JSON schema, compiled once. Of values that have the form only the fast validator sees anything."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._fast = jsonschema_rs.Draft202012Validator(schema)

    def fault(self, value: Any) -> str | None:
        """Return what is wrong and where, None if nothing is."""
        if self._fast.is_valid(value):
            return None
        found = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(self._schema).iter_errors(value))
        return f"{found.json_path}: {found.message}" if found else "no reason found"
