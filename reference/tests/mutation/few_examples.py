"""A plugin of pytest for mutated code: Hypothesis makes the same examples each time, and few: each mutant sees them."""

import pytest
from hypothesis import Phase, settings

_MOST = 60
_SETTINGS = "_hypothesis_internal_use_settings"  # the only place where those of a single test can be changed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lower what each property asks for."""
    for item in items:
        test = getattr(item, "obj", None)
        own = getattr(test, _SETTINGS, None)
        if isinstance(own, settings):
            fewer = settings(
                own,
                max_examples=min(own.max_examples, _MOST),
                derandomize=True,
                database=None,
                phases=[Phase.explicit, Phase.generate],
            )
            setattr(test, _SETTINGS, fewer)
