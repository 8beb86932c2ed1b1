"""Implementations that do nothing right: no case may pass with one of them."""
