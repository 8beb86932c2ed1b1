"""`python -m kafka_do`, which is also the command `kafka-do`."""

import sys


def main() -> None:
    """Run the command line; without its extra, say which one that is."""
    try:
        from kafka_do.cli import main as run  # noqa: PLC0415  the extra may be missing, and that wants a sentence
    except ModuleNotFoundError as error:
        sys.exit(f"kafka-do: {error.name} is missing: pip install 'kafka-do[server]'")
    run()


if __name__ == "__main__":
    main()
