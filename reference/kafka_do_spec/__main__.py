"""`python -m kafka_do_spec generate | current | check`, run in a checkout."""

import sys
from pathlib import Path

from kafka_do_spec.generate import generate, stale

_USAGE = """usage: python -m kafka_do_spec COMMAND
  generate  write everything that is made from spec/
  current   fail if `generate` would change a file
  check     fail if the specification contradicts itself or a requirement has no case"""


def main(arguments: list[str]) -> int:
    """Run one command; return the exit status."""
    root = Path(__file__).resolve().parents[2]
    match arguments:
        case ["generate"]:
            for path in generate(root):
                print(f"wrote {path.relative_to(root)}")
            return 0
        case ["current"]:
            old = stale(root)
            for path in old:
                print(f"{path.relative_to(root)}: not current; run `python -m kafka_do_spec generate`")
            print(f"generated files: {len(old)} stale")
            return 1 if old else 0
        case ["check"]:
            from kafka_do_spec.check import check  # noqa: PLC0415  it loads the library, which `generate` may have to mend

            faults = check(root)
            for fault in faults:
                print(fault)
            print(f"specification: {len(faults)} faults")
            return 1 if faults else 0
        case _:
            print(_USAGE, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
