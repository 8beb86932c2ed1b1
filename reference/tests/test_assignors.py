"""Who reads what: the assignors against Kafka's results, against a plain model, and for what they promise."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_do.core.groups.assignors import ASSIGNORS, assign
from kafka_do.core.groups.partitions import Assignment, Partition, Subscriber
from kafka_do.spec import data_root

_FIXTURES = data_root() / "fixtures"
_FIXTURE: dict[str, Any] = json.loads((_FIXTURES / "assignors.json").read_text("utf-8"))
_ROWS: list[dict[str, Any]] = _FIXTURE["rows"]

Group = list[Subscriber]
Counts = dict[str, int]


def _rows(assignor: str) -> pytest.MarkDecorator:
    rows = [row for row in _ROWS if row["assignor"] == assignor]
    return pytest.mark.parametrize("row", rows, ids=lambda row: row["name"])


def _partitions(shares: Mapping[str, Iterable[int]]) -> frozenset[Partition]:
    return frozenset(Partition(topic, number) for topic, numbers in shares.items() for number in numbers)


def _group(row: dict[str, Any]) -> Group:
    return [
        Subscriber(member, one.get("instance"), frozenset(one["topics"]), _partitions(one.get("owned", {})))
        for member, one in row["members"].items()
    ]


def _member(name: str, topics: Iterable[str], current: Iterable[Partition] = ()) -> Subscriber:
    return Subscriber(name, None, frozenset(topics), frozenset(current))


def _sizes(assignment: Assignment) -> list[int]:
    return sorted(map(len, assignment.values()), reverse=True)


def _moved(group: Group, assignment: Assignment) -> int:
    """Count the partitions that another member has than the one that owned them."""
    before = {partition: one.member for one in group for partition in one.current}
    return sum(before.get(one, member) != member for member, share in assignment.items() for one in share)


def _after(group: Group, assignment: Assignment) -> Group:
    return [Subscriber(one.member, one.instance_id, one.topics, assignment[one.member]) for one in group]


def test_the_fixture_has_the_form_that_its_schema_says() -> None:
    schema = json.loads((_FIXTURES / _FIXTURE["$schema"]).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(_FIXTURE)


def test_the_fixture_says_for_rows_of_its_own_where_they_come_from() -> None:
    names = {row["name"] for row in _ROWS}
    named = {name for origin in _FIXTURE["provenance"] for name in origin.get("rows", ())}
    assert len(names) == len(_ROWS)
    assert named < names


@_rows("range")
def test_range_gives_what_the_fixture_says(row: dict[str, Any]) -> None:
    expected = {member: _partitions(shares) for member, shares in row["assignment"].items()}
    assert assign("range", _group(row), row["topics"]) == expected


@_rows("uniform")
def test_uniform_gives_shares_of_the_sizes_that_the_fixture_says_and_moves_as_little(row: dict[str, Any]) -> None:
    group = _group(row)
    found = assign("uniform", group, row["topics"])
    _is_whole(group, row["topics"], found)
    assert _sizes(found) == row["counts"]
    assert _moved(group, found) == row["moved"]


_MEMBERS = ["a", "b", "c", "c10", "c2", "é", "😀", "\uff21"]
_TOPICS = ["t1", "t2", "t3", "t4"]
_counts = st.dictionaries(st.sampled_from(_TOPICS), st.integers(0, 6))
_subscription = st.frozensets(st.sampled_from(_TOPICS))


@st.composite
def _groups(draw: st.DrawFn, *, equal: bool = False) -> tuple[Group, Counts]:
    """Make a group whose members own what they might: also what is gone, what they do not want, and what others own."""
    counts = draw(_counts)
    names = draw(st.lists(st.sampled_from(_MEMBERS), unique=True, min_size=1))
    instances = draw(st.lists(st.none() | st.sampled_from(_MEMBERS), min_size=len(names), max_size=len(names)))
    common = draw(_subscription)
    topics = [common if equal else draw(_subscription) for _ in names]
    owners = st.dictionaries(
        st.builds(Partition, st.sampled_from(_TOPICS), st.integers(0, 7)), st.sampled_from(names), max_size=20
    )
    owned = [draw(owners), draw(st.just({}) | owners)]  # the second one lets two own the same
    group = [
        Subscriber(name, instance, wanted, frozenset(one for by in owned for one in by if by[one] == name))
        for name, instance, wanted in zip(names, instances, topics, strict=True)
    ]
    return group, counts


def _is_whole(group: Group, counts: Counts, assignment: Assignment) -> None:
    """Check that who subscribes a topic, and nobody else, has its partitions, each one member."""
    wanted = {topic for one in group for topic in one.topics}
    every = _partitions({topic: range(counts.get(topic, 0)) for topic in wanted})
    assert set(assignment) == {one.member for one in group}
    assert Counter(one for share in assignment.values() for one in share) == Counter(every)
    assert all(partition.topic in one.topics for one in group for partition in assignment[one.member])


_assignors = pytest.mark.parametrize("assignor", ASSIGNORS)
_many = settings(deadline=None, max_examples=200)


@_assignors
@_many
@given(_groups())
def test_every_partition_has_one_owner_who_subscribes_it(assignor: str, made: tuple[Group, Counts]) -> None:
    group, counts = made
    _is_whole(group, counts, assign(assignor, group, counts))


@_assignors
@_many
@given(_groups(), st.randoms(use_true_random=False))
def test_the_order_in_which_members_come_does_not_matter(
    assignor: str, made: tuple[Group, Counts], chance: Any
) -> None:
    group, counts = made
    found = assign(assignor, group, counts)
    chance.shuffle(group)
    shuffled = list(counts.items())
    chance.shuffle(shuffled)
    assert assign(assignor, group, dict(shuffled)) == found


@_assignors
@_many
@given(_groups())
def test_nothing_moves_when_nothing_changes(assignor: str, made: tuple[Group, Counts]) -> None:
    group, counts = made
    found = assign(assignor, group, counts)
    assert assign(assignor, _after(group, found), counts) == found


@_assignors
def test_nobody_gets_nothing(assignor: str) -> None:
    assert assign(assignor, [], {"t1": 3}) == {}


def test_an_unknown_assignor_is_named() -> None:
    with pytest.raises(ValueError, match=r"^there is no assignor 'sticky', only range and uniform$"):
        assign("sticky", [], {})


def _java_order(text: str) -> list[int]:
    """Return the UTF-16 units of a string."""
    units: list[int] = []
    for character in map(ord, text):
        high, low = divmod(character - 0x10000, 0x400)
        units += [0xD800 + high, 0xDC00 + low] if character > 0xFFFF else [character]
    return units


def _dealt(topic: str, count: int, members: Sequence[str]) -> dict[str, list[Partition]]:
    """Return the ranges of a topic, made one partition after the other."""
    sizes = Counter(member for member, _ in zip(itertools.cycle(members), range(count)))
    numbers = iter(range(count))
    return {member: [Partition(topic, next(numbers)) for _ in range(sizes[member])] for member in members}


@_many
@given(_groups())
def test_range_is_the_plain_rule(made: tuple[Group, Counts]) -> None:
    group, counts = made
    static = sorted(
        (one for one in group if one.instance_id is not None),
        key=lambda one: (_java_order(str(one.instance_id)), _java_order(one.member)),
    )
    others = sorted((one for one in group if one.instance_id is None), key=lambda one: _java_order(one.member))
    expected: dict[str, set[Partition]] = {one.member: set() for one in group}
    for topic, count in counts.items():
        for member, share in _dealt(topic, count, [s.member for s in static + others if topic in s.topics]).items():
            expected[member].update(share)
    assert assign("range", group, counts) == expected


def test_a_lone_surrogate_in_an_id_does_not_stop_the_group() -> None:
    found = assign("range", [_member("\ud800", ["t1"]), _member("z", ["t1"])], {"t1": 2})
    assert found == {"z": {Partition("t1", 0)}, "\ud800": {Partition("t1", 1)}}


def _most_kept(group: Group, counts: Counts, sizes: Sequence[int]) -> int:
    """Try every way to hand out the sizes; return how many partitions may stay with an owner at best."""
    exists = [
        sum(one.topic in member.topics and one.number < counts.get(one.topic, 0) for one in member.current)
        for member in group
    ]
    return max(sum(map(min, exists, order)) for order in set(itertools.permutations(sizes)))


def _is_disjoint(group: Group) -> bool:
    return not any(one.current & other.current for one, other in itertools.combinations(group, 2))


@_many
@given(_groups(equal=True).filter(lambda made: len(made[0]) <= 6 and _is_disjoint(made[0])))
def test_equal_subscriptions_get_shares_within_one_and_the_fewest_moves(made: tuple[Group, Counts]) -> None:
    group, counts = made
    found = assign("uniform", group, counts)
    sizes = _sizes(found)
    assert sizes[0] - sizes[-1] <= 1
    kept = sum(len(one.current & found[one.member]) for one in group)
    assert kept == _most_kept(group, counts, sizes)


@_many
@given(_groups(equal=True))
def test_when_a_member_leaves_only_what_it_had_changes_hands(made: tuple[Group, Counts]) -> None:
    group, counts = made
    before = _after(group, assign("uniform", group, counts))
    found = assign("uniform", before[1:], counts)
    assert all(one.current <= found[one.member] for one in before[1:])


@_many
@given(_groups(equal=True))
def test_when_a_member_joins_only_its_share_changes_hands(made: tuple[Group, Counts]) -> None:
    group, counts = made
    before = _after(group, assign("uniform", group, counts))
    found = assign("uniform", [*before, _member("new", group[0].topics)], counts)
    assert _moved(before, found) == len(found["new"])


def test_the_larger_share_stays_with_whoever_has_it() -> None:
    three = _partitions({"t1": [0, 2, 4]})
    group = [_member("a", ["t1"], _partitions({"t1": [1, 3]})), _member("b", ["t1"], three)]
    assert assign("uniform", group, {"t1": 5})["b"] == three


def test_a_member_that_subscribes_nothing_there_is_does_not_make_the_others_unequal() -> None:
    group = [_member("a", ["t1", "t2"]), _member("b", ["none"]), _member("c", ["t1", "t2", "none"])]
    assert _sizes(assign("uniform", group, {"t1": 3, "t2": 2})) == [3, 2, 0]


def test_a_partition_that_two_own_stays_with_the_first() -> None:
    both = _partitions({"t1": [0]})
    group = [_member("b", ["t1"], both), _member("a", ["t1"], both)]
    assert assign("uniform", group, {"t1": 2}) == {"a": both, "b": _partitions({"t1": [1]})}


def test_lower_numbers_are_kept_and_the_others_go_in_order() -> None:
    group = [_member("a", ["t1"]), _member("b", ["t1"], _partitions({"t1": range(6)})), _member("c", ["t1"])]
    expected = {"a": [2, 3], "b": [0, 1], "c": [4, 5]}
    assert assign("uniform", group, {"t1": 6}) == {name: _partitions({"t1": one}) for name, one in expected.items()}


def _is_level(group: Group, assignment: Assignment) -> bool:
    """Say whether no partition can go from a member to another subscriber that has two or more fewer."""
    return not any(
        partition.topic in other.topics and len(assignment[other.member]) + 2 <= len(share)
        for share in assignment.values()
        for partition in share
        for other in group
    )


@settings(deadline=None, max_examples=500)
@given(_groups())
def test_no_partition_could_go_to_somebody_with_two_fewer(made: tuple[Group, Counts]) -> None:
    group, counts = made
    assert _is_level(group, assign("uniform", group, counts))


@_many
@given(_groups(), st.data())
def test_whoever_has_level_shares_keeps_them_however_they_came(made: tuple[Group, Counts], data: st.DataObject) -> None:
    group, counts = made
    shares: dict[str, set[Partition]] = {one.member: set() for one in group}
    for topic, count in counts.items():
        takers = [one.member for one in group if topic in one.topics]
        for number in range(count if takers else 0):
            shares[data.draw(st.sampled_from(takers))].add(Partition(topic, number))
    found = {name: frozenset(share) for name, share in shares.items()}
    while step := _step_down(group, found):
        found = step
    assert assign("uniform", _after(group, found), counts) == found


def _step_down(group: Group, assignment: Assignment) -> Assignment | None:
    """Give one partition to somebody with two or more fewer; return None where there is none to give."""
    for name, share in assignment.items():
        for partition in sorted(share):
            for other in group:
                if partition.topic in other.topics and len(assignment[other.member]) + 2 <= len(share):
                    given_to = assignment[other.member] | {partition}
                    return {**assignment, name: share - {partition}, other.member: given_to}
    return None


def test_what_is_free_goes_where_nothing_has_to_move_for_it() -> None:
    group = [_member("a", ["t1", "t2"], _partitions({"t1": [0, 1]})), _member("b", ["t2", "t3"])]
    found = assign("uniform", group, {"t1": 2, "t2": 2, "t3": 1})
    assert _moved(group, found) == 0
    assert _sizes(found) == [3, 2]


def test_topics_are_level_also_through_a_third_member() -> None:
    group = [
        _member("a", ["t1"], _partitions({"t1": range(8)})),
        _member("b", ["t1", "t2"], _partitions({"t2": range(4)})),
        _member("c", ["t2"]),
    ]
    found = assign("uniform", group, {"t1": 8, "t2": 4})
    assert _sizes(found) == [5, 4, 3]
    assert found["a"] == _partitions({"t1": range(5)})
