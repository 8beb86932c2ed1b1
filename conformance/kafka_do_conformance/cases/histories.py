"""Many producers and consumers at work at the same time, on a server that drops requests and answers."""

from kafka_do_conformance.case import server_case
from kafka_do_conformance.histories.judging import judge_run
from kafka_do_conformance.session import ServerSession

_SEEDS = (1, 2)


@server_case(
    title="What producers and members of a group see of each other's work fits together, whatever is lost",
    requirements=["CONV-019", "GROUP-014", "GROUP-017", "COMMIT-010", "PRODUCER-006"],
    needs=("control", "groups", "producers"),
    hint="Each anomaly lists the requests that contradict each other, with when they were sent and answered. The same"
    " run again: python -m kafka_do_conformance.histories --seeds 1-2.",
)
def concurrent_histories(server: ServerSession) -> None:
    """Let them work, and look for what cannot be."""
    for seed in _SEEDS:
        judge_run(server, seed)
