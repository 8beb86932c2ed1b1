"""One run against a server under test, judged: was it hard enough, and did it show an anomaly?"""

from contextlib import closing

from kafka_do_conformance.histories.anomaly import Anomaly
from kafka_do_conformance.histories.checker import check
from kafka_do_conformance.histories.contention import MINIMUM, MINIMUM_WITHOUT_CLOCK, Contention, contention
from kafka_do_conformance.histories.events import History
from kafka_do_conformance.histories.served_broker import ServedBroker
from kafka_do_conformance.histories.workload import Load, run
from kafka_do_conformance.session import ServerSession
from kafka_do_conformance.verdict import Mismatch

__all__ = ["judge_run"]

_PARTITIONS = 4


def judge_run(server: ServerSession, seed: int) -> Contention:
    """Let producers and consumers work as the seed says; raises Violation if a correct server shows no such history."""
    with closing(ServedBroker(server, _PARTITIONS)) as broker:
        history = run(broker, seed, Load())
    found = contention(history)
    minimum = MINIMUM if broker.has_clock else MINIMUM_WITHOUT_CLOCK
    server.require(f"the history of seed {seed}", [*_anomalies(history), *_too_easy(found, minimum)])
    return found


def _anomalies(history: History) -> list[Mismatch]:
    """Tell the first anomaly of each kind: one defect shows in many."""
    anomalies = check(history)
    first = {anomaly.kind: anomaly for anomaly in reversed(anomalies)}
    return [_mismatch(anomaly, sum(one.kind == kind for one in anomalies)) for kind, anomaly in first.items()]


def _mismatch(anomaly: Anomaly, count: int) -> Mismatch:
    others = f", and {count - 1} more of this kind" if count > 1 else ""
    return Mismatch(anomaly.kind, "in no history of a correct server", f"{anomaly}{others}")


def _too_easy(found: Contention, minimum: Contention) -> list[Mismatch]:
    """Tell what there was too little of: such a run shows nothing."""
    lacking = found.lacking(minimum)
    return [Mismatch("contention", f"at least {minimum}", ", ".join(lacking))] if lacking else []
