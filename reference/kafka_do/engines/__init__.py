"""Brokers: each implements `kafka_do.core.broker.Broker`. Every semantic check sits here or in the core."""
