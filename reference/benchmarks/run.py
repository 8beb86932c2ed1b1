"""Measure the reference beside a peer and beside floors: `python reference/benchmarks/run.py --help`.

It prints figures, and beside them what the project wants. It judges nothing and exits 0 whatever they are.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.assigning import assigning
from benchmarks.cleaning import cleaning
from benchmarks.clients import clients
from benchmarks.contestants import Ours, install_peer
from benchmarks.encodings import encodings
from benchmarks.environment import describe
from benchmarks.groups import groups
from benchmarks.growth import growth
from benchmarks.idempotent import idempotent
from benchmarks.in_process import in_process
from benchmarks.live import live
from benchmarks.load import wrk_is_there
from benchmarks.memory import memory
from benchmarks.report import Measurement, as_text, write_json
from benchmarks.rounds import Effort
from benchmarks.streams import streams
from benchmarks.suite import suite
from benchmarks.throughput import Field, produce_batch, produce_one, read
from benchmarks.waiting import waiting

_MEASUREMENTS: dict[str, Callable[[Field, Effort], Iterator[Measurement]]] = {
    "produce-one": produce_one,
    "produce-batch": produce_batch,
    "read": read,
    "idempotent": idempotent,
    "encodings": encodings,
    "memory": memory,
    "growth": growth,
    "cleaning": cleaning,
    "waiting": waiting,
    "live": live,
    "in-process": in_process,
    "clients": clients,
    "assigning": assigning,
    "groups": groups,
    "streams": streams,
    "suite": suite,
}
_QUICK = Effort(rounds=2, seconds=1, scale=0.1)


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "kafka-do-benchmarks")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"has to be a whole number from 1 on, not {text!r}")
    return int(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the reference beside a peer and beside floors.")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(_MEASUREMENTS),
        metavar="NAME",
        help=f"one of {', '.join(_MEASUREMENTS)}",
    )
    parser.add_argument(
        "--rounds", type=_positive, default=5, help="rounds of each contestant, on a fresh server each (%(default)s)"
    )
    parser.add_argument("--seconds", type=_positive, default=3, help="how long one round loads a server (%(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="two rounds of one second, a tenth of the records: a look, no figures"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    parser.add_argument(
        "--beside",
        metavar="PYTHON",
        help="measure also the kafka-do of another environment, such as that of another checkout",
    )
    parser.add_argument("--without-peer", action="store_true", help="leave the peers out")
    parser.add_argument("--cache", type=Path, default=_default_cache(), help="where peers are installed (%(default)s)")
    return parser.parse_args()


def main() -> int:
    """Run what was asked for; return the exit status."""
    asked = _arguments()
    if not Path("/proc/self/status").exists():
        print(
            "there is no /proc: the memory and processor time of servers are taken from it, on Linux", file=sys.stderr
        )
        return 2
    if not wrk_is_there():
        print("wrk is missing, which makes the load: apt-get install wrk", file=sys.stderr)
        return 2
    peer = None if asked.without_peer else install_peer(asked.cache)
    if peer is None and not asked.without_peer:
        print("without the peer: it needs node and npm", file=sys.stderr)
    others = [Ours("other kafka-do", asked.beside)] if asked.beside else []
    field = Field((Ours(), *others), peer, None if asked.without_peer else asked.cache)
    effort = _QUICK if asked.quick else Effort(asked.rounds, asked.seconds)

    environment = describe()
    for name, text in environment.items():
        print(f"{name + ':':<12}{text}")
    found: list[Measurement] = []
    for name in asked.only or _MEASUREMENTS:
        for measurement in _MEASUREMENTS[name](field, effort):
            print("\n" + as_text(measurement), flush=True)
            found.append(measurement)
    if asked.json:
        write_json(asked.json, environment, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
