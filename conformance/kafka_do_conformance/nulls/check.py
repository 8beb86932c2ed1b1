"""The null check: which MUST cases pass with an implementation that does nothing right. There may be none."""

import sys

from kafka_do_conformance.limited_keys import LIMITED_KEYS
from kafka_do_conformance.nulls.adapters import NULL_ADAPTERS
from kafka_do_conformance.nulls.servers import NULL_SERVERS
from kafka_do_conformance.peer import Peer
from kafka_do_conformance.run import judge_all
from kafka_do_conformance.target import ClientTarget, ServerTarget, Targets
from kafka_do_conformance.verdict import Result, Status

__all__ = ["NULL_ADAPTERS", "NULL_SERVERS", "null_adapter_results", "null_server_results", "score"]

_PATIENCE_S = 0.1
_ADAPTER_PATIENCE_S = 1.0


def null_server_results(name: str) -> list[Result]:
    """Judge a null server by every case."""
    with Peer(always=NULL_SERVERS[name]) as peer:
        keys = {key: f"the-key-{key}" for key in LIMITED_KEYS}
        server = ServerTarget(
            url=peer.url, deadline_s=_PATIENCE_S, api_key="a-key", keys=keys, origin="https://shop.example"
        )
        return judge_all(Targets(name, (server,), None, lambda: server))


def null_adapter_results(mode: str, server: ServerTarget) -> list[Result]:
    """Judge a null adapter by every case; `server` is a real one for the cases that need it."""
    command = (sys.executable, "-m", "kafka_do_conformance.nulls.adapters", mode)
    client = ClientTarget(command, deadline_s=_ADAPTER_PATIENCE_S)
    try:
        return judge_all(Targets(mode, (), client, lambda: server))
    finally:
        client.close()


def score(results: list[Result]) -> list[str]:
    """Return the MUST cases that passed."""
    return [f"{r.case}[{r.role}]" for r in results if r.level == "must" and r.status is Status.PASS]
