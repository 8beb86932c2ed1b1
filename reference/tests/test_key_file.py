"""The lines of a file of keys."""

import hashlib

import pytest

from kafka_do.core.rights import EVERYTHING, Names
from kafka_do.server.key_file import Key, parse_keys, write_key
from kafka_do.server.quotas import Quota

_KEY = "s3cret-key~1"
_HASH = f"sha256:{hashlib.sha256(_KEY.encode()).hexdigest()}"


def test_a_line_says_what_a_key_may_do() -> None:
    options = (
        "scopes=consume,admin topics=orders*,refunds groups=billing requests_per_second=50 bytes_per_second=1000000"
    )
    (key,) = parse_keys([f"billing  {_HASH}\t{options}"])
    assert (key.name, key.digest) == ("billing", hashlib.sha256(_KEY.encode()).digest())
    assert key.rights.scopes == {"consume", "admin"}
    assert (key.rights.topics, key.rights.groups) == (Names.of(["orders*", "refunds"]), Names.of(["billing"]))
    assert key.quota == Quota(requests_per_second=50, bytes_per_second=1_000_000)


def test_what_a_line_does_not_say_is_not_allowed_and_not_limited() -> None:
    (key,) = parse_keys([f"shop {_HASH} scopes=produce"])
    assert (key.rights.topics, key.rights.groups, key.quota) == (Names(), Names(), Quota())


def test_a_key_as_it_is_sent_may_do_everything() -> None:
    keys = parse_keys(["", "# whose", f"  {_KEY}  ", "other"])
    assert [(key.name, key.rights) for key in keys] == [("line-3", EVERYTHING), ("line-4", EVERYTHING)]
    assert keys[0].digest == hashlib.sha256(_KEY.encode()).digest()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("two words", "behind the name stands sha256:"),
        (f"shop sha256:{'0' * 63} scopes=produce", "64 digits"),
        (f"shop SHA256:{'0' * 64} scopes=produce", "sha256:"),
        (f"shop sha256:{'A' * 64} scopes=produce", "0-9 and a-f"),
        (f"sh/op {_HASH} scopes=produce", "a name has 1 to 64"),
        (f"{'a' * 65} {_HASH} scopes=produce", "a name has 1 to 64"),
        (f"shop {_HASH}", "scopes= has one or more of produce, consume, admin"),
        (f"shop {_HASH} scopes=", "scopes= has one or more"),
        (f"shop {_HASH} scopes=produce,", "scopes= has one or more"),
        (f"shop {_HASH} scopes=write", "scopes= has one or more"),
        (f"shop {_HASH} scopes=produce topic=a", "behind the hash stand scopes=…, topics=…"),
        (f"shop {_HASH} scopes=produce scopes=admin", "scopes stands there twice"),
        (f"shop {_HASH} scopes=produce topics=a,,b", "none of them empty"),
        (f"shop {_HASH} scopes=produce requests_per_second=0", "a whole number from 1 to"),
        (f"shop {_HASH} scopes=produce requests_per_second=-1", "a whole number from 1 to"),
        (f"shop {_HASH} scopes=produce requests_per_second=1e3", "a whole number from 1 to"),
        (f"shop {_HASH} scopes=produce bytes_per_second={10**15}", "a whole number from 1 to"),
        (f"shop {_HASH} scopes=produce bytes_per_second=٣", "a whole number from 1 to"),
        ("no key at all: ä", "behind the name"),
        ("ä", "a key has to be made of letters"),
    ],
)
def test_a_faulty_line_is_named_with_what_would_be_right_and_not_repeated(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=rf"^line 2: .*{words}") as refused:
        parse_keys(["# keys", line])
    assert _HASH not in str(refused.value)
    assert all(word not in str(refused.value) for word in line.split()[1:] if "=" not in word and len(word) > 4)


@pytest.mark.parametrize("second", [f"shop sha256:{'0' * 64} scopes=admin", f"other {_HASH} scopes=admin", _KEY])
def test_a_name_or_a_key_that_is_there_twice_is_refused(second: str) -> None:
    with pytest.raises(ValueError, match="line 2: there is a key of that name, or the same key"):
        parse_keys([f"shop {_HASH} scopes=produce", second])


@pytest.mark.parametrize(
    ("pattern", "name", "other"),
    [("a%2Cb", "a,b", "a"), ("a%20b*", "a b c", "a"), ("a%2A", "a*", "ab"), ("%25", "%", "%25"), ("*", "x", None)],
)
def test_what_has_a_meaning_in_a_line_is_percent_encoded(pattern: str, name: str, other: str | None) -> None:
    (key,) = parse_keys([f"shop {_HASH} scopes=consume groups={pattern}"])
    assert name in key.rights.groups
    assert other is None or other not in key.rights.groups


def test_a_line_that_is_written_is_read_and_has_no_key() -> None:
    line = write_key("shop", _KEY, options=[("scopes", "produce"), ("topics", "orders*"), ("bytes_per_second", "9")])
    assert line == f"shop {_HASH} scopes=produce topics=orders* bytes_per_second=9"
    assert _KEY not in line
    with pytest.raises(ValueError, match="a name has"):
        write_key("sh/op", _KEY, options=[("scopes", "produce")])


def test_ten_thousand_keys_are_read() -> None:
    keys = parse_keys(f"k{number} sha256:{number:064x} scopes=produce topics=t{number}" for number in range(10_000))
    assert len({key.digest for key in keys}) == 10_000
    assert isinstance(keys[0], Key)
