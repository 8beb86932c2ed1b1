"""The command line. A command is a module of its own, imported when it is called: `kafka-do --version` needs none."""

from kafka_do.cli.root import main

__all__ = ["main"]
