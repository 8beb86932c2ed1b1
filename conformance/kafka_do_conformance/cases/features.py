"""Features: what a server lists is there."""

from kafka_do_conformance.case import server_case
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
    if "cors" in listed:
        response = server.send("GET", "/v1", headers=(("Origin", server.origin),))
        allowed = {"Access-Control-Allow-Origin": server.origin}
        server.expect("cors", response, {"status": 200, "headers": allowed})
