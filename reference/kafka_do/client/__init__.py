"""What a client decides, without I/O of its own: it asks a `Broker` and waits for nothing else."""
