"""`python -m kafka_do` is `kafka-do`."""

from kafka_do.cli import main

main()
