"""Histories of concurrent runs, and the checker that finds in them what the specification does not allow."""
