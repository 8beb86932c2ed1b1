"""What a server does with the members of a group, in the least words: the rules of groups.md once more.

A *seat* is one client with all that the world knows of it: what it believes, its requests that are still on their way,
the answer that is coming, and the member that the server has under its id. A state is the seats, nothing else.

Epochs matter only within a seat, and there only their order: a new one is higher than all that anybody still knows of.
New shares may be any balanced distribution: no assignor is believed. A partition set is a number whose bit p stands for
partition p.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

__all__ = [
    "FENCED",
    "MANY",
    "OK",
    "TAKEN_OVER",
    "UNKNOWN",
    "Answer",
    "Bounds",
    "Client",
    "Commit",
    "Member",
    "Request",
    "Rules",
    "Seat",
    "Seats",
    "aimed",
    "epochs_of",
    "numbers_of",
    "removed",
    "replaced",
    "serve",
    "set_text",
    "shares",
    "takes_commit",
]

OK = "ok"
UNKNOWN = "unknown_member"
FENCED = "fenced_member_epoch"
UNRELEASED = "unreleased_instance_id"
TAKEN_OVER = "fenced_instance_id"
MANY = 2


class Rules(NamedTuple):
    """The rules that keep a partition in one hand. Each can be broken, to show that the model would notice.

    The last two are beyond the specification: they show what it would take to promise more.
    """

    lost_answers_are_forgiven: bool = True
    lost_answers_confirm_nothing: bool = True
    joining_again_confirms_nothing: bool = True
    joining_again_keeps: bool = True
    waits_for_giving_up: bool = True
    gives_back_only_anew: bool = True
    refuses_stale_epochs: bool = True
    refused_changes_nothing: bool = True
    refuses_unknown_members: bool = True
    timeout_removes: bool = True
    taken_over_is_gone: bool = True
    gone_shares_anew: bool = True
    commits_need_the_epoch: bool = True
    commits_need_the_partition_since: bool = True
    epochs_go_on: bool = True
    clients_list_what_they_read: bool = True
    clients_stop_when_refused: bool = True
    getting_raises_epoch: bool = False
    clients_watch_the_clock: bool = False


class Bounds(NamedTuple):
    """How big a world is explored, and how bad its network is.

    Requests and answers are lost in all of them. Of a client's requests the `late` newest may still arrive: with 1 only
    the one that it waits for, with 2 also one that it has given up. With `repeats` a request may arrive any number of
    times. `static` lets the first two seats have one instance id, `commits` lets a commit be under way, and `restarts`
    lets a process that has ended begin again.
    """

    members: int = 2
    partitions: int = 2
    late: int = 1
    repeats: bool = False
    restarts: bool = True
    static: bool = False
    commits: bool = False


class Client(NamedTuple):
    """What a client believes: its epoch (0 is none), what it reads, and what it was told that it may read."""

    life: str = "open"  # or closing, pausing, gone
    epoch: int = 0
    reads: int = 0
    told: int = 0


class Request(NamedTuple):
    """A heartbeat, or `leave`, or `pause` for leaving for a time."""

    kind: str
    epoch: int = 0
    owned: int = 0

    def __str__(self) -> str:
        return f"heartbeat({self.epoch}, {set_text(self.owned)})" if self.kind == "heartbeat" else self.kind


class Answer(NamedTuple):
    """What the server says: `ok` with an epoch and an assignment, or why not."""

    code: str
    epoch: int = 0
    assignment: int = 0

    def __str__(self) -> str:
        return f"epoch {self.epoch}, {set_text(self.assignment)}" if self.code == OK and self.epoch else self.code


class Member(NamedTuple):
    """What the server has: `since` is, for each partition, the epoch at which it was assigned, 0 if it is not."""

    epoch: int
    previous: int
    since: tuple[int, ...]
    giving_up: int
    target: int
    behind: bool
    away: bool

    @property
    def assigned(self) -> int:
        """What the member may own."""
        return sum(1 << partition for partition, epoch in enumerate(self.since) if epoch)

    @property
    def holds(self) -> int:
        """What nobody else may have."""
        return self.assigned | self.giving_up


class Commit(NamedTuple):
    """A commit that is under way; `zombie` once its partition was given to somebody else."""

    epoch: int
    partition: int
    zombie: bool = False


class Seat(NamedTuple):
    """A client and all that the world knows of it.

    `sent` is newest first, `missed` how many answers it has not heard since the last one, `MANY` at most;
    `out` once it is no member and cannot know.
    """

    static: bool = False
    client: Client = Client()
    waiting: bool = False
    sent: tuple[Request, ...] = ()
    answer: Answer | tuple[()] = ()
    member: Member | tuple[()] = ()
    commit: Commit | tuple[()] = ()
    missed: int = 0
    out: bool = False


Seats = tuple[Seat, ...]


def serve(seats: Seats, number: int, request: Request, bounds: Bounds, rules: Rules) -> Iterator[tuple[Seats, Answer]]:
    """Yield what becomes of the group, and the answer. There are several where new shares are made."""
    member = seats[number].member
    if request.kind == "heartbeat":
        yield from _heartbeat(seats, number, request, bounds, rules)
    elif not member:
        yield seats, Answer(UNKNOWN)
    elif request.kind == "leave":
        for after in removed(seats, number, bounds, rules):
            yield after, Answer(OK)
    else:
        away = member._replace(away=True, giving_up=0)
        yield replaced(seats, number, seats[number]._replace(member=away)), Answer(OK)


def _heartbeat(
    seats: Seats, number: int, request: Request, bounds: Bounds, rules: Rules
) -> Iterator[tuple[Seats, Answer]]:
    seat = seats[number]
    member = seat.member
    if seat.static and (holder := _other_holder(seats, number)) is not None:
        yield _beside_the_holder(seats, number, holder, request, rules)
    elif not member or (request.epoch == 0 and not rules.joining_again_keeps):
        if request.epoch == 0 or not rules.refuses_unknown_members:
            for after in _joined(seats, number, bounds, rules):
                yield after, _answer_of(after, number)
        else:
            yield seats, Answer(UNKNOWN)
    elif request.epoch and _is_refused(member, request, rules):
        if not rules.refused_changes_nothing:
            given_up = member._replace(giving_up=member.giving_up & request.owned)
            seats = replaced(seats, number, seat._replace(member=given_up))
        yield seats, Answer(FENCED)
    else:
        after = _moved(seats, number, request.owned, rules, confirms=_confirms(member, request, rules))
        yield after, _answer_of(after, number)


def _is_refused(member: Member, request: Request, rules: Rules) -> bool:
    """Whether an epoch is neither the present one nor that of a lost answer (GROUP-025 to GROUP-027)."""
    if member.away or request.epoch > member.epoch:
        return True
    if request.epoch == member.epoch or not rules.refuses_stale_epochs:
        return False
    if not rules.lost_answers_are_forgiven:
        return True
    return request.epoch != member.previous or bool(member.giving_up or request.owned & ~member.assigned)


def _confirms(member: Member, request: Request, rules: Rules) -> bool:
    """Whether what a heartbeat does not list is given up: its sender has to know what it may have."""
    if request.epoch == 0:
        return not rules.joining_again_confirms_nothing
    return request.epoch == member.epoch or not (rules.lost_answers_confirm_nothing and rules.refuses_stale_epochs)


def _joined(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Seats]:
    seat = seats[number]
    epoch = _fresh(seat) if rules.epochs_go_on or any(other.member for other in seats) else 1
    member = Member(epoch, 0, (0,) * bounds.partitions, 0, 0, behind=False, away=False)
    for after in _shared_anew(replaced(seats, number, seat._replace(member=member)), bounds.partitions):
        seen = after[number].member._replace(behind=False)  # type: ignore[union-attr]
        yield _granted(replaced(after, number, after[number]._replace(member=seen)), number, rules)


def _other_holder(seats: Seats, number: int) -> int | None:
    """Return who else is the member with this instance id."""
    return next((n for n, seat in enumerate(seats) if seat.static and seat.member and n != number), None)


def _beside_the_holder(seats: Seats, number: int, holder: int, request: Request, rules: Rules) -> tuple[Seats, Answer]:
    """Answer a heartbeat whose instance id another member has: who has left for a time is followed, nobody else."""
    held = seats[holder].member
    assert held  # noqa: S101  that makes it the holder
    if request.epoch:
        return seats, Answer(TAKEN_OVER)
    if not held.away:
        return seats, Answer(UNRELEASED)
    seat = seats[number]
    above = _fresh(seat)  # a group's epochs are above all that this client has seen of it
    follows = held._replace(
        epoch=held.epoch + above,
        previous=held.previous and held.previous + above,
        since=tuple(epoch and epoch + above for epoch in held.since),
    )
    if rules.taken_over_is_gone:
        seats = replaced(seats, holder, seats[holder]._replace(member=()))
    seats = replaced(seats, number, seat._replace(member=follows))
    seats = _moved(seats, number, 0, rules, confirms=True)
    return seats, _answer_of(seats, number)


def _moved(seats: Seats, number: int, owned: int, rules: Rules, *, confirms: bool) -> Seats:
    """Bring a member nearer to its share: withhold, release, advance (GROUP-014 to GROUP-017)."""
    seat = seats[number]
    member = seat.member
    assert member  # noqa: S101  it was found
    excess = member.assigned & ~member.target
    giving_up = member.giving_up | excess
    since = tuple(0 if excess & 1 << p else epoch for p, epoch in enumerate(member.since))
    if not rules.gives_back_only_anew:
        back = giving_up & member.target
        giving_up &= ~back
        since = tuple(member.epoch if back & 1 << p else epoch for p, epoch in enumerate(since))
    if confirms and not giving_up & owned:
        giving_up = 0
    member = member._replace(since=since, giving_up=giving_up, away=False)
    seats = replaced(seats, number, seat._replace(member=member))
    if giving_up:
        return seats
    if member.behind or (rules.getting_raises_epoch and _obtainable(seats, number, rules)):
        member = member._replace(epoch=_fresh(seat), previous=member.epoch, behind=False)
        seats = replaced(seats, number, seat._replace(member=member))
    return _granted(seats, number, rules)


def _granted(seats: Seats, number: int, rules: Rules) -> Seats:
    """Give a member what is free of its share; commits of others for it are those of zombies from now on."""
    got = _obtainable(seats, number, rules)
    after = list(seats)
    for n, seat in enumerate(seats):
        if n == number and seat.member:
            epoch = seat.member.epoch
            since = tuple(epoch if got & 1 << p else old for p, old in enumerate(seat.member.since))
            after[n] = seat._replace(member=seat.member._replace(since=since))
        elif seat.commit and got & 1 << seat.commit.partition:
            after[n] = seat._replace(commit=seat.commit._replace(zombie=True))
    return tuple(after)


def _obtainable(seats: Seats, number: int, rules: Rules) -> int:
    member = seats[number].member
    assert member  # noqa: S101  it was found
    taken = 0
    for n, seat in enumerate(seats):
        if seat.member and n != number:
            taken |= seat.member.holds if rules.waits_for_giving_up else seat.member.assigned
    return member.target & ~member.assigned & ~taken


def removed(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Seats]:
    """Yield the group without a member."""
    seat = seats[number]
    gone = seat._replace(member=(), out=bool(seat.client.epoch or seat.answer))
    seats = replaced(seats, number, gone)
    yield from _shared_anew(seats, bounds.partitions) if rules.gone_shares_anew else (seats,)


def _shared_anew(seats: Seats, partitions: int) -> Iterator[Seats]:
    """Yield the group with each balanced distribution that moves the least."""
    now = tuple(seat.member.target if seat.member else -1 for seat in seats)
    for target in _nearest(now, partitions):
        yield aimed(seats, target)


@cache
def _nearest(now: tuple[int, ...], partitions: int) -> list[tuple[int, ...]]:
    """Return the distributions among those who are there that are nearest to one; nobody has a share where none is."""
    found = _balanced(tuple(share >= 0 for share in now), partitions)
    distances = [sum((one & ~other).bit_count() for one, other in zip(now, target, strict=True)) for target in found]
    return [target for target, distance in zip(found, distances, strict=True) if distance == min(distances)]


def aimed(seats: Seats, target: tuple[int, ...]) -> Seats:
    """Return the group with new shares, and with a new epoch, which no member has yet."""
    return tuple(
        seat._replace(member=seat.member._replace(target=share, behind=True)) if seat.member else seat
        for seat, share in zip(seats, target, strict=True)
    )


def shares(seats: Seats, partitions: int) -> list[tuple[int, ...]]:
    """Return every distribution in which the members' shares differ by one at most."""
    return _balanced(tuple(bool(seat.member) for seat in seats), partitions)


@cache
def _balanced(present: tuple[bool, ...], partitions: int) -> list[tuple[int, ...]]:
    chosen = [number for number, there in enumerate(present) if there]
    if not chosen:
        return [(0,) * len(present)]
    found = []
    for owners in product(chosen, repeat=partitions):
        shares = [sum(1 << p for p, owner in enumerate(owners) if owner == n) for n in range(len(present))]
        sizes = [shares[n].bit_count() for n in chosen]
        if max(sizes) - min(sizes) <= 1:
            found.append(tuple(shares))
    return found


def _answer_of(seats: Seats, number: int) -> Answer:
    member = seats[number].member
    assert member  # noqa: S101  it was found
    return Answer(OK, member.epoch, member.assigned)


def takes_commit(member: Member | tuple[()], commit: Commit, rules: Rules) -> bool:
    """Whether a commit that arrives now is stored, by a server that stores all it may (COMMIT-010, COMMIT-011)."""
    if not member:
        return False
    if commit.epoch == member.epoch or not rules.commits_need_the_epoch:
        return True
    since = member.since[commit.partition]
    return (
        commit.epoch < member.epoch
        and since > 0
        and (since <= commit.epoch or not rules.commits_need_the_partition_since)
    )


def epochs_of(seat: Seat) -> Iterator[int]:
    """Yield every epoch that anybody still knows."""
    yield seat.client.epoch
    yield from (request.epoch for request in seat.sent)
    if seat.answer:
        yield seat.answer.epoch
    if seat.member:
        yield from (seat.member.epoch, seat.member.previous, *seat.member.since)
    if seat.commit:
        yield seat.commit.epoch


def _fresh(seat: Seat) -> int:
    """Return an epoch above every one that this member has ever had, and that anybody still remembers."""
    return max(epochs_of(seat)) + 1


def replaced(seats: Seats, number: int, seat: Seat) -> Seats:
    """Return the seats with another one at a place."""
    return (*seats[:number], seat, *seats[number + 1 :])


def numbers_of(held: int) -> list[int]:
    """Return the partitions of a set."""
    return [partition for partition in range(held.bit_length()) if held & 1 << partition]


def set_text(held: int) -> str:
    """Return a partition set for people."""
    return "{" + ",".join(map(str, numbers_of(held))) + "}"
