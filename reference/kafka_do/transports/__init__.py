"""Ways from a client to a broker; each implements `kafka_do.core.broker.Broker`."""
