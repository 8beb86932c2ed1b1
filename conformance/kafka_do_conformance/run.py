"""A run without pytest: every case that applies, one after the other."""

from collections.abc import Collection, Iterable

from kafka_do_conformance.case import Case, Role
from kafka_do_conformance.judge import judge
from kafka_do_conformance.load import load_all
from kafka_do_conformance.target import Targets
from kafka_do_conformance.verdict import Result

__all__ = ["judge_all"]


def judge_all(
    targets: Targets, cases: Iterable[Case] | None = None, *, roles: Collection[Role] | None = None
) -> list[Result]:
    """Judge what is under test by the cases, all by default, in each role of `roles` that they and it have."""
    wanted = [role for role in targets.roles if roles is None or role in roles]
    return [
        judge(case, role, targets)
        for case in (load_all() if cases is None else cases)
        for role in case.roles
        if role in wanted
    ]
