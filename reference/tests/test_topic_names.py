"""Topic names: Kafka's rule."""

import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kafka_do.core.errors import KafkaError
from kafka_do.core.topics import check_topic_name

_CHARACTERS = string.ascii_letters + string.digits + "._-"
_RULE = re.compile(r"[a-zA-Z0-9._\-]{1,249}")


@pytest.mark.parametrize("name", ["a", "orders", "A.b_c-9", "...", ".a", "-", "__consumer_offsets", "x" * 249])
def test_a_name_of_allowed_characters_is_taken(name: str) -> None:
    check_topic_name(name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "at least one character"),
        (".", "no topic names"),
        ("..", "no topic names"),
        ("x" * 250, "at most 249 characters, not 250"),
        ("a b", "' '"),
        ("a/b", "'/'"),
        ("orders\n", r"'\\n'"),
        ("é", "'é'"),
        ("٣", "'٣'"),
        ("a\0", r"'\\x00'"),
        ("a%2F", "'%'"),
    ],
)
def test_any_other_name_is_refused_with_a_word_on_what_is_wrong(name: str, fault: str) -> None:
    with pytest.raises(KafkaError, match=fault) as refused:
        check_topic_name(name)
    assert refused.value.code == "invalid_topic_name"
    assert refused.value.fields == {"topic": name}


@settings(deadline=None, max_examples=200)
@given(st.text(_CHARACTERS, max_size=260) | st.text(max_size=10))
@example("x" * 249)
@example("x" * 250)
@example("a\n")
def test_the_rule_is_the_one_that_the_specification_states(name: str) -> None:
    allowed = _RULE.fullmatch(name) is not None and name not in (".", "..")
    try:
        check_topic_name(name)
        taken = True
    except KafkaError:
        taken = False
    assert taken == allowed
