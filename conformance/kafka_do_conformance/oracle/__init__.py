"""Apache Kafka Streams as a judge of topologies: the process, and inputs for it."""
