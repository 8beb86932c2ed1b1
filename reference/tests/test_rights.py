"""What a key may do."""

import pytest

from kafka_do.core.errors import KafkaError
from kafka_do.core.rights import EVERYTHING, Names, Rights
from kafka_do.spec import SPEC

_OWN = Rights(frozenset({"consume"}), Names.of(["orders", "shop-*"]), Names.of(["billing-*"]))


@pytest.mark.parametrize(
    ("patterns", "name", "is_in"),
    [
        (["orders"], "orders", True),
        (["orders"], "orders-eu", False),
        (["orders"], "order", False),
        (["orders*"], "orders-eu", True),
        (["orders*"], "orders", True),
        (["orders*"], "my-orders", False),
        (["a", "b*"], "bc", True),
        (["*"], "anything", True),
        ([], "anything", False),
        ([""], "anything", False),
    ],
)
def test_a_pattern_is_a_whole_name_or_a_beginning(patterns: list[str], name: str, *, is_in: bool) -> None:
    assert (name in Names.of(patterns)) is is_in


@pytest.mark.parametrize(
    ("operation", "topic", "group"),
    [
        ("fetch_partition", "orders", None),
        ("describe_topic", "shop-1", None),
        ("heartbeat", None, "billing-1"),
        ("describe_group", None, "billing-"),
        ("list_topics", None, None),
        ("fetch", None, None),
    ],
)
def test_what_is_allowed_raises_nothing(operation: str, topic: str | None, group: str | None) -> None:
    _OWN.check(SPEC.operations[operation], topic=topic, group=group)


@pytest.mark.parametrize(
    ("operation", "topic", "group", "words"),
    [
        ("fetch_partition", "order", None, "consume for the topic 'order'"),
        ("produce", "orders", None, "produce for the topic 'orders'"),
        ("delete_topic", "orders", None, "admin for the topic 'orders'"),
        ("create_topic", "orders", None, "admin for the topic 'orders'"),
        ("describe_topic", "other", None, "produce or consume or admin for the topic 'other'"),
        ("delete_group", None, "billing-1", "admin for the group 'billing-1'"),
        ("heartbeat", None, "billing", "consume for the group 'billing'"),
        ("allocate_producer", None, None, "produce for some topic"),
        ("reset_server", None, None, "admin with every other one"),
    ],
)
def test_what_is_not_allowed_is_forbidden_and_the_message_names_the_scope(
    operation: str, topic: str | None, group: str | None, words: str
) -> None:
    with pytest.raises(KafkaError, match=words) as refused:
        _OWN.check(SPEC.operations[operation], topic=topic, group=group)
    assert (refused.value.code, refused.value.retriable) == ("forbidden", False)


@pytest.mark.parametrize("operation", SPEC.operations)
def test_a_key_that_is_not_limited_may_do_everything(operation: str) -> None:
    assert EVERYTHING.is_everything
    EVERYTHING.check(SPEC.operations[operation], topic="t", group="g")


@pytest.mark.parametrize("operation", sorted(SPEC.operations.keys() - {"discover", "list_topics", "list_groups"}))
def test_a_key_without_scopes_may_do_nothing_with_names(operation: str) -> None:
    nothing = Rights(frozenset(), Names.of("*"), Names.of("*"))
    access = SPEC.operations[operation].access
    with pytest.raises(KafkaError, match="forbidden"):
        nothing.check(SPEC.operations[operation], topic="t", group="g" if access.group else None)


def test_every_scope_is_needed_somewhere() -> None:
    needed = {
        scope
        for operation in SPEC.operations.values()
        for scopes in (operation.access.topic, operation.access.group, operation.access.anywhere)
        for scope in scopes
    }
    assert needed == set(SPEC.scopes)
