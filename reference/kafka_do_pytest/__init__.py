"""The pytest plugin: the fixture `kafka`.

It is a package of its own, because pytest imports it in every run on a machine where the library is installed: within
`kafka_do` it would load the library, and here that waits until a test asks for the fixture.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka_do.testing.mock import MockClient

__all__ = ["kafka"]


@pytest.fixture
def kafka() -> "Iterator[MockClient]":
    """Return a client of a broker that is the test's own, and close it afterwards."""
    from kafka_do.testing.mock import MockClient  # noqa: PLC0415  see above

    with MockClient() as client:
        yield client
