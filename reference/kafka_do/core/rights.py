"""What a key may do: scopes, for some topics and groups. (SCOPE-001 to SCOPE-010)"""

from collections.abc import Iterable, Sequence

import msgspec

from kafka_do.core.errors import KafkaError
from kafka_do.spec import SPEC, Operation

__all__ = ["EVERYTHING", "Names", "Rights", "forbidden_topic"]

_ANY = "*"


class Names(msgspec.Struct, frozen=True):
    """The topics or groups that a key is for: whole names, and beginnings of names. (SCOPE-003)"""

    whole: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "Names":
        """Return what patterns mean: one that ends with `*` is a beginning, any other a whole name."""
        given = set(patterns)
        beginnings = sorted(one.removesuffix(_ANY) for one in given if one.endswith(_ANY))
        return cls(frozenset(one for one in given if not one.endswith(_ANY)), tuple(beginnings))

    def __contains__(self, name: str) -> bool:
        return name in self.whole or name.startswith(self.beginnings)

    @property
    def is_everything(self) -> bool:
        """Whether no name is left out."""
        return "" in self.beginnings


class Rights(msgspec.Struct, frozen=True):
    """The scopes of a key, and the topics and groups for which it has them."""

    scopes: frozenset[str]
    topics: Names
    groups: Names

    @property
    def is_everything(self) -> bool:
        """Whether there is nothing that the key may not do."""
        return len(self.scopes) == len(SPEC.scopes) and self.topics.is_everything and self.groups.is_everything

    def allow_topic(self, topic: str, scopes: Sequence[str]) -> bool:
        """Whether one of `scopes` is there for a topic."""
        return topic in self.topics and not self.scopes.isdisjoint(scopes)

    def allow_group(self, group: str, scopes: Sequence[str]) -> bool:
        """Whether one of `scopes` is there for a group."""
        return group in self.groups and not self.scopes.isdisjoint(scopes)

    def visible(self, names: Names, scopes: Sequence[str]) -> Names:
        """Return those of `names` that a list shows; none without one of `scopes`. (SCOPE-004)"""
        return Names() if self.scopes.isdisjoint(scopes) else names

    def check(self, operation: Operation, *, topic: str | None, group: str | None) -> None:
        """Raise KafkaError `forbidden` unless an operation is allowed for what its path names. (SCOPE-001)"""
        access = operation.access
        if access.topic and topic is not None and not self.allow_topic(topic, access.topic):
            raise forbidden_topic(topic, access.topic)
        if access.group and group is not None and not self.allow_group(group, access.group):
            raise _forbidden(f"for the group '{group}'", access.group)
        if access.anywhere and (
            self.scopes.isdisjoint(access.anywhere) or not (self.topics.whole or self.topics.beginnings)
        ):
            raise _forbidden("for some topic", access.anywhere)
        if access.everywhere and not self.is_everything:
            raise _forbidden("with every other one, for all topics and groups", access.everywhere)


def forbidden_topic(topic: str, scopes: Sequence[str]) -> KafkaError:
    """Make the error for a topic that a key may not use so. It is the same for one that does not exist. (SCOPE-002)"""
    return _forbidden(f"for the topic '{topic}'", scopes)


def _forbidden(place: str, scopes: Sequence[str]) -> KafkaError:
    return KafkaError("forbidden", f"the key does not allow this: it needs the scope {' or '.join(scopes)} {place}")


EVERYTHING = Rights(frozenset(SPEC.scopes), Names.of(_ANY), Names.of(_ANY))
"""The rights of a key that is not limited."""
