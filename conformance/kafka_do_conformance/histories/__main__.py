"""`python -m kafka_do_conformance.histories --seeds 1-100 [--impl SPEC]`: one run for each seed, judged in one line."""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from contextlib import closing

from kafka_do_conformance.histories.judging import judge_run
from kafka_do_conformance.target import ServerTarget, UnknownImplError, parse_impl
from kafka_do_conformance.verdict import Violation

_NEEDED = ("groups", "producers")


def main(arguments: Sequence[str]) -> int:
    """Print a line for each seed, and more where something is wrong.

    0: no anomaly, and every run was hard enough; 1: not so; 2: there is no server to be judged in this way.
    """
    asked = _arguments(arguments)
    try:
        targets = parse_impl(asked.impl, api_key=asked.api_key)
    except UnknownImplError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    with closing(targets):
        able = [server for server in targets.servers if set(_NEEDED) <= set(server.features())]
        if not able:
            print(f"--impl={asked.impl}: no server that lists {' and '.join(_NEEDED)}", file=sys.stderr)  # noqa: T201
            return 2
        begun = time.monotonic()
        failed = [seed for seed in asked.seeds if not _judge(able[0], seed)]
        took = time.monotonic() - begun
    again = f": {', '.join(map(str, failed))}" if failed else ""
    print(f"seeds: {len(asked.seeds)}, failed: {len(failed)}{again} ({took:.0f} s)")  # noqa: T201
    return 1 if failed else 0


def _judge(target: ServerTarget, seed: int) -> bool:
    """Judge one run, and print what came of it."""
    with closing(target.wire()) as wire:
        server = target.session(wire)
        try:
            print(f"seed {seed}: no anomaly; {judge_run(server, seed)}", flush=True)  # noqa: T201
        except Violation as violation:
            print(f"seed {seed}: {violation.status}, {violation.step}", flush=True)  # noqa: T201
            for one in violation.mismatches:
                print(f"  {one.place}: allowed {one.allowed}, seen {one.seen}", flush=True)  # noqa: T201
            for exchange in violation.exchanges[-1:]:
                print(f"  {exchange.request}\n  {exchange.response}", flush=True)  # noqa: T201
            return False
        finally:
            server.leave()
    return True


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m kafka_do_conformance.histories",
        description="Let many producers and consumers work on a server at the same time, and look for what cannot be.",
    )
    parser.add_argument("--seeds", type=_seeds, default=range(1, 11), metavar="FIRST-LAST", help="1-10 by default")
    parser.add_argument("--impl", default="reference", metavar="SPEC", help="reference, or http://host:port")
    parser.add_argument("--api-key", default="", metavar="KEY", help="a key that the server takes")
    return parser.parse_args(arguments)


def _seeds(text: str) -> range:
    """Read `7` or `1-100`."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    seeds = range(int(found[1]), int(found[2] or found[1]) + 1) if found else range(0)
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text} is neither a number nor a range such as 1-100")
    return seeds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
