"""Features: what a server lists is there."""

import re
from collections.abc import Callable

from kafka_do.spec import SPEC, Operation
from kafka_do_conformance.case import server_case
from kafka_do_conformance.live import LiveStream
from kafka_do_conformance.session import ServerSession, fresh_name


@server_case(
    title="What discovery lists as a feature is there",
    requirements=["DISCOVERY-002"],
    hint="List a feature only where the server is set to offer it: clients rely on the list and do not try.",
)
def listed_features_are_there(server: ServerSession) -> None:
    """Try each feature that the server lists, in the simplest way."""
    wanted = {"features": {"$contains": ["core"]}}
    listed = server.expect("discovery", server.send("GET", "/v1"), {"status": 200, "json": wanted})["features"]
    topic = server.create_topic(1)
    server.expect("core", server.send("GET", f"/v1/topics/{topic}"), {"status": 200, "json": {"topic": topic}})
    if "auto_create_topics" in listed:
        response = server.send("POST", f"/v1/topics/{fresh_name()}/records", value={"records": [{"value": 1}]})
        server.expect("auto_create_topics", response, {"status": 200, "json": {"results": [{"offset": 0}]}})
    if "api_keys" in listed:
        response = server.send("GET", f"/v1/topics/{topic}", headers=(("Authorization", None),))
        server.expect("api_keys", response, {"status": 401, "problem": {"code": "unauthorized"}})
    if "control" in listed:
        server.advance(0)
    if "cors" in listed:
        response = server.send("GET", "/v1", headers=(("Origin", server.origin),))
        allowed = {"Access-Control-Allow-Origin": server.origin}
        server.expect("cors", response, {"status": 200, "headers": allowed})
    if "streams" in listed:
        with LiveStream(server, f"/v1/topics/{topic}/partitions/0/records?offset=0") as stream:
            stream.line("streams", {"type": "heartbeat"})
    if "producers" in listed:
        response = server.send("POST", "/v1/producers")
        server.expect("producers", response, {"status": 201, "json": {"epoch": 0}})


@server_case(
    title="An operation of a feature that is listed is there: it looks at what is asked",
    requirements=["CONV-007", "CONV-018", "DISCOVERY-002"],
    hint="unsupported_feature is for features that discovery does not list.",
)
def operations_of_listed_features_are_there(server: ServerSession) -> None:
    """Ask every operation of each listed feature with a parameter that none has, so that nothing is done."""
    server.create_topic(1)
    wanted = {"features": {"$contains": ["core"]}}
    listed = server.expect("discovery", server.send("GET", "/v1"), {"status": 200, "json": wanted})["features"]
    for operation in SPEC.operations.values():
        if operation.feature in listed:
            target = f"{_target(operation)}?no=where"
            body = None if operation.method in ("GET", "DELETE") else b"{}"
            response = server.send(operation.method, target, body=body)
            refused = {"status": 400, "problem": {"code": "invalid_request"}}
            server.expect(f"{operation.method} {target}", response, refused)


def _probe(feature: str) -> Callable[[ServerSession], None]:
    """Return the case that is for servers without a feature that has operations."""
    operations = [operation for operation in SPEC.operations.values() if operation.feature == feature]

    def probe(server: ServerSession) -> None:
        server.create_topic(1)
        problem = {"code": "unsupported_feature", "feature": feature}
        for operation in operations:
            target = _target(operation)
            for query, body in (("", None), ("?no=where", b"{]")):
                response = server.send(operation.method, target + query, body=body)
                server.expect(f"{operation.method} {target}{query}", response, {"status": 501, "problem": problem})

    probe.__name__ = f"without_{feature}"
    return probe


def _target(operation: Operation) -> str:
    """Return an operation's path with something in it for each parameter."""
    return re.sub(r"\{\w+\}", "0", operation.path)


for _feature in sorted({operation.feature for operation in SPEC.operations.values()} - {"core"}):
    server_case(
        title=f"A server without the feature {_feature} says so to every operation of it",
        requirements=["CONV-018"],
        hint="Look at the operation's feature before its query and body: what is asked cannot be right.",
        lacks=(_feature,),
    )(_probe(_feature))
