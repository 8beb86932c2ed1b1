"""Origins that are not listed: what they must not get, whatever the status is."""

from kafka_do_conformance.case import server_case
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch


@server_case(
    title="A preflight request from an origin that is not listed gets none of the headers",
    requirements=["CORS-003"],
    hint="Its status is your choice; without the headers the browser goes no further.",
)
def preflight_from_elsewhere(server: ServerSession) -> None:
    """Ask as a page of another origin, and as one that is listed."""
    topic = server.create_topic(1)
    wanted = (("Access-Control-Request-Method", "POST"), ("Authorization", None))
    for origin in ("https://somebody.else", "null", f"{server.origin}.somebody.else", server.origin.upper() + "x"):
        response = server.send("OPTIONS", f"/v1/topics/{topic}/records", headers=(("Origin", origin), *wanted))
        given = [name for name, _ in response.headers if name.lower().startswith("access-control-")]
        server.require(origin, [Mismatch("header", f"no {name}", name) for name in given])
    response = server.send("OPTIONS", f"/v1/topics/{topic}/records", headers=(("Origin", server.origin), *wanted))
    allowed = {"Access-Control-Allow-Origin": server.origin}
    server.expect("a listed origin", response, {"status": 204, "headers": allowed})
