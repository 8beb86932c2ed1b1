"""The specification's own tools: `python -m kafka_do_spec generate` and `python -m kafka_do_spec check`."""
