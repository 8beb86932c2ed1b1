"""The cases: data in YAML, programs in Python."""
