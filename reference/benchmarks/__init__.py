"""Figures of the reference beside a peer's and beside a floor. `run.py` says how; nothing here is part of the wheel."""
