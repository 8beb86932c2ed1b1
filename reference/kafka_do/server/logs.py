"""What the server writes to standard error: lines for people, or JSON for programs. No line has a key in it."""

import json
import logging
import time

from kafka_do.server.monitored import REQUESTS_LOG

__all__ = ["write_logs"]

_OURS = "kafka_do"


def write_logs(form: str) -> None:
    """Have the library's log written to standard error, as `text` or as `json`; raises ValueError for another form."""
    if form not in ("text", "json"):
        raise ValueError(f"{form} is neither text nor json")
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    ours = logging.getLogger(_OURS)
    ours.handlers = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False
    logging.getLogger(REQUESTS_LOG).setLevel(logging.INFO)


class _JsonLines(logging.Formatter):
    """One object in each line: `time` in UTC, `level`, `logger`, `message`, and the facts of a request."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: fact for name, fact in getattr(record, "facts", {}).items() if fact is not None},
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=True)
