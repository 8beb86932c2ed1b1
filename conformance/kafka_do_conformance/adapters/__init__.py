"""Adapters: programs through which the suite drives a client."""
