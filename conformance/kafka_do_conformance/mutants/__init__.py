"""Mutants: known defects as patches of the reference, and the check that each is found for the right reason."""
