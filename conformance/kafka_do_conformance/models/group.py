"""A server's group, its clients and the network between them, small enough to be explored completely.

A *seat* is one client with all that the world knows of it: what it believes, its requests that are still on their way,
the answer that is coming, and the member that the server has under its id. A state is the seats, nothing else.

What can happen is deliberately hostile. A client may give up waiting at any time and send again: then its request or
the answer was lost. Each of the `late` newest requests of a client may arrive at any time and any number of times,
because whoever stands between may repeat a PUT or a DELETE. Members are removed at any time. The group may want
another distribution at any time, and any balanced one: no assignor is believed.

Epochs matter only within a seat, and there only their order. So they are numbered anew in every state, and an unbounded
life has finitely many states. A partition set is a number whose bit p stands for partition p.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

__all__ = [
    "PROMISES",
    "Answer",
    "Bounds",
    "Event",
    "Member",
    "Request",
    "Rules",
    "Seat",
    "Seats",
    "begin",
    "is_quiet",
    "lets_zombies_commit",
    "relabelled",
    "renumbered",
    "round_of",
    "settled",
    "steps",
    "wrong",
]

OK = "ok"
UNKNOWN = "unknown_member"
FENCED = "fenced_member_epoch"
UNRELEASED = "unreleased_instance_id"
TAKEN_OVER = "fenced_instance_id"

PROMISES = {
    "one holder": "No partition is assigned to two members, nor to one while another has to give it up.",
    "one reader": "No partition is read by two clients.",
    "one reader among those who are in": "No partition is read by two clients that the server has not removed.",
    "nobody honest is refused": "A client that does as it should is never fenced and never unknown.",
    "epochs go up": "A client never hears an epoch below its own.",
    "no zombie commits": "No commit is stored for a partition that was given to another member since it was sent.",
    "can settle": "From every state everybody can get to know its share, and every partition is in one.",
}


class Rules(NamedTuple):
    """The rules that keep a partition in one hand. Each can be broken, to show that the model would notice."""

    getting_raises_epoch: bool = True
    repeats_move_nothing: bool = True
    joining_again_moves_nothing: bool = True
    joining_again_keeps: bool = True
    waits_for_giving_up: bool = True
    gives_back_only_anew: bool = True
    refuses_stale_epochs: bool = True
    refused_changes_nothing: bool = True
    refuses_unknown_members: bool = True
    timeout_removes: bool = True
    taken_over_is_gone: bool = True
    commits_need_the_epoch: bool = True
    commits_need_the_partition_since: bool = True
    epochs_go_on: bool = True
    clients_watch_the_clock: bool = True
    clients_list_what_they_read: bool = True


class Bounds(NamedTuple):
    """How big a world is explored.

    `late` is how many of a client's newest requests may arrive again, `static` lets the first two seats have one
    instance id, `commits` lets a commit be under way, and `restarts` lets a process that has ended begin again.
    """

    members: int = 2
    partitions: int = 2
    late: int = 1
    leaves: bool = True
    restarts: bool = True
    static: bool = False
    commits: bool = False
    retargets: bool = True


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
        return sum(1 << partition for partition, epoch in enumerate(self.since) if epoch)

    @property
    def holds(self) -> int:
        """What nobody else may have."""
        return self.assigned | self.giving_up

    @property
    def state(self) -> str:
        """The state in `spec/machines/group_member.yaml`; who is no member is `absent`."""
        if self.away:
            return "away"
        if self.giving_up:
            return "revoking"
        return "waiting" if self.target & ~self.assigned else "stable"


class Commit(NamedTuple):
    """A commit that is under way; `zombie` once its partition was given to somebody else."""

    epoch: int
    partition: int
    zombie: bool = False


class Seat(NamedTuple):
    static: bool = False
    client: Client = Client()
    waiting: bool = False
    sent: tuple[Request, ...] = ()
    answer: Answer | tuple[()] = ()
    member: Member | tuple[()] = ()
    commit: Commit | tuple[()] = ()


Seats = tuple[Seat, ...]


class Event(NamedTuple):
    """Something that happens: what, to whom, and what is said. Texts are made only for those that are shown."""

    kind: str
    seat: int
    request: Request | None = None
    answer: Answer | None = None
    more: tuple[int, ...] = ()

    def __str__(self) -> str:
        shares = " ".join(f"{name_of(number)}{set_text(share)}" for number, share in enumerate(self.more))
        text = _TEXTS[self.kind].format(self=self, name=name_of(self.seat), shares=shares)
        return text[:1].upper() + text[1:]


_TEXTS = {
    "restart": "another process begins in {name}'s place",
    "send": "{name} sends {self.request}",
    "hear": "{name} hears {self.answer}",
    "let go": "{name} lets go of what it may not read",
    "stop": "{name} has waited too long for an answer, and stops reading",
    "close": "{name} is closed, and sends leave",
    "pause": "{name} is closed for a time, and sends pause",
    "commit": "{name} begins to commit a partition: {shares}",
    "arrive": "{self.request} of {name} arrives: {self.answer}",
    "late": "{self.request} of {name} arrives late: {self.answer}",
    "session over": "the session of {name} is over, it is removed",
    "rebalance over": "{name} has not given up in time, it is removed",
    "seize": "{name} has not given up in time, it keeps the rest",
    "new target": "the group wants {shares}",
}
_QUIET = {"send", "hear", "let go", "arrive", "session over", "rebalance over", "seize"}

Step = tuple[Event, Seats]


def begin(bounds: Bounds) -> Seats:
    """Return the world in which nobody has joined; the first two seats share an instance id if `static`."""
    return tuple(Seat(static=bounds.static and number < 2) for number in range(bounds.members))


def steps(seats: Seats, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Yield everything that can happen next."""
    for number in range(len(seats)):
        yield from _client_steps(seats, number, bounds, rules)
        yield from _arrivals(seats, number, bounds, rules)
        yield from _removals(seats, number, bounds, rules)
    if bounds.retargets:
        for target in _targets(seats, bounds.partitions):
            if target != _target(seats):
                yield Event("new target", 0, more=target), _aimed(seats, target)


def is_quiet(event: Event) -> bool:
    """Whether an event needs nobody's wish and no bad luck: what is sent arrives, is answered, and heard."""
    return event.kind in _QUIET


def _client_steps(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    seat = seats[number]
    client = seat.client
    if client.life == "gone":
        if bounds.restarts and not seat.member:
            yield Event("restart", number), _with(seats, number, Seat(static=seat.static))
        return
    request = _next_request(client, rules)
    yield Event("send", number, request), _with(seats, number, _sent(seat, request, bounds.late))
    if seat.answer:
        yield Event("hear", number, answer=seat.answer), _with(seats, number, _heard(seat))
    if client.life == "open":
        yield from _wishes(seats, number, bounds, rules)


def _wishes(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Yield what an open client does by itself."""
    seat = seats[number]
    client = seat.client
    if client.reads & ~client.told:
        let_go = client._replace(reads=client.reads & client.told)
        yield Event("let go", number), _with(seats, number, seat._replace(client=let_go))
    if client.epoch or seat.waiting:
        stopped = seat._replace(client=Client(), waiting=False, answer=())
        if rules.clients_watch_the_clock:
            yield Event("stop", number), _with(seats, number, stopped)
        if bounds.leaves:
            leaving = stopped._replace(client=Client(life="closing"))
            yield Event("close", number), _with(seats, number, _sent(leaving, Request("leave"), bounds.late))
        if seat.static:
            pausing = stopped._replace(client=Client(life="pausing"))
            yield Event("pause", number), _with(seats, number, _sent(pausing, Request("pause"), bounds.late))
    if bounds.commits and client.epoch and not any(other.commit for other in seats):
        for partition in _members_of(client.reads):
            begun = seat._replace(commit=Commit(client.epoch, partition))
            more = tuple((n == number) << partition for n in range(len(seats)))
            yield Event("commit", number, more=more), _with(seats, number, begun)


def _next_request(client: Client, rules: Rules) -> Request:
    if client.life != "open":
        return Request("leave" if client.life == "closing" else "pause")
    return Request("heartbeat", client.epoch, client.reads if rules.clients_list_what_they_read else client.told)


def _sent(seat: Seat, request: Request, late: int) -> Seat:
    """Send a request; one that is still waited for is given up, and its answer will not be looked at."""
    sent = seat.sent if seat.sent[:1] == (request,) else (request, *seat.sent)[:late]
    return seat._replace(waiting=True, sent=sent, answer=())


def _heard(seat: Seat) -> Seat:
    """Take an answer as an honest client does (GROUP-049, GROUP-051, GROUP-052, GROUP-054, GROUP-055)."""
    client, answer = seat.client, seat.answer
    assert answer  # noqa: S101  only an answer is heard
    if client.life != "open" or answer.code == TAKEN_OVER:
        client = Client(life="gone")
    elif answer.code == OK:
        client = client._replace(epoch=answer.epoch, told=answer.assignment, reads=client.reads | answer.assignment)
    elif answer.code in (UNKNOWN, FENCED):
        client = Client()
    return seat._replace(client=client, waiting=False, answer=())


def _arrivals(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Let a request arrive, the newest or an older one; only the newest one's answer is of use."""
    for age, request in enumerate(seats[number].sent):
        waits = age == 0 and seats[number].waiting
        for after, answer in serve(seats, number, request, bounds, rules):
            kept = after[number]._replace(answer=answer) if waits else after[number]
            yield Event("arrive" if waits else "late", number, request, answer), _with(after, number, kept)


def _removals(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Let a time-out remove a member: of a client that watches the clock, only after that has stopped."""
    seat = seats[number]
    if not seat.member or (rules.clients_watch_the_clock and not _has_stopped(seat)):
        return
    for after in _removed(seats, number, bounds.partitions):
        yield Event("session over", number), after
        if seat.member.giving_up and rules.timeout_removes:
            yield Event("rebalance over", number), after
    if seat.member.giving_up and not rules.timeout_removes:
        kept = seat.member._replace(giving_up=0)
        yield Event("seize", number), _with(seats, number, seat._replace(member=kept))


def _has_stopped(seat: Seat) -> bool:
    return seat.client.life != "open" or (seat.client.epoch == 0 and not seat.answer)


def serve(seats: Seats, number: int, request: Request, bounds: Bounds, rules: Rules) -> Iterator[tuple[Seats, Answer]]:
    """Yield what becomes of the group, and the answer. There are several where a new distribution is made."""
    if request.kind == "heartbeat":
        yield from _heartbeat(seats, number, request, bounds, rules)
    elif not seats[number].member:
        yield seats, Answer(UNKNOWN)
    elif request.kind == "leave":
        for after in _removed(seats, number, bounds.partitions):
            yield after, Answer(OK)
    else:
        away = seats[number].member._replace(away=True, giving_up=0)  # type: ignore[union-attr]
        yield _with(seats, number, seats[number]._replace(member=away)), Answer(OK)


def _heartbeat(
    seats: Seats, number: int, request: Request, bounds: Bounds, rules: Rules
) -> Iterator[tuple[Seats, Answer]]:
    seat = seats[number]
    member = seat.member
    if seat.static and (holder := _other_holder(seats, number)) is not None:
        yield from _beside_the_holder(seats, number, holder, request, bounds, rules)
    elif not member:
        if request.epoch == 0 or not rules.refuses_unknown_members:
            for after in _joined(seats, number, bounds, rules):
                yield after, _answer_of(after, number)
        else:
            yield seats, Answer(UNKNOWN)
    elif request.epoch == 0:
        yield from _joined_again(seats, number, request, bounds, rules)
    elif _is_refused(member, request, rules):
        if not rules.refused_changes_nothing:
            given_up = member._replace(giving_up=member.giving_up & request.owned)
            seats = _with(seats, number, seat._replace(member=given_up))
        yield seats, Answer(FENCED)
    elif request.epoch == member.previous and rules.repeats_move_nothing:
        yield seats, _answer_of(seats, number)
    else:
        after = _moved(seats, number, request.owned, bounds.partitions, rules)
        yield after, _answer_of(after, number)


def _is_refused(member: Member, request: Request, rules: Rules) -> bool:
    if member.away or request.epoch > member.epoch:
        return True
    if request.epoch == member.epoch or not rules.refuses_stale_epochs:
        return False
    return request.epoch != member.previous or bool(request.owned & ~member.assigned)


def _joined(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Seats]:
    seat = seats[number]
    epoch = _fresh(seat) if rules.epochs_go_on or any(other.member for other in seats) else 1
    member = Member(epoch, 0, (0,) * bounds.partitions, 0, 0, behind=False, away=False)
    for after in _retargeted(_with(seats, number, seat._replace(member=member)), bounds.partitions):
        seen = after[number].member._replace(behind=False)  # type: ignore[union-attr]
        yield _granted(
            _with(after, number, after[number]._replace(member=seen)), number, epoch, bounds.partitions, rules
        )


def _joined_again(
    seats: Seats, number: int, request: Request, bounds: Bounds, rules: Rules
) -> Iterator[tuple[Seats, Answer]]:
    """Answer the join of a member that the group has: its state stays, as far as the rules are kept."""
    seat = seats[number]
    member = seat.member
    assert member  # noqa: S101  it joined before
    if not rules.joining_again_keeps:
        for after in _joined(seats, number, bounds, rules):
            yield after, _answer_of(after, number)
        return
    if not rules.joining_again_moves_nothing:
        seats = _moved(seats, number, request.owned, bounds.partitions, rules)
    elif member.away:
        seats = _with(seats, number, seat._replace(member=member._replace(away=False)))
    yield seats, _answer_of(seats, number)


def _other_holder(seats: Seats, number: int) -> int | None:
    """Return who else is the member with this instance id."""
    found = [n for n, seat in enumerate(seats) if seat.static and seat.member and n != number]
    return found[0] if found else None


def _beside_the_holder(
    seats: Seats, number: int, holder: int, request: Request, bounds: Bounds, rules: Rules
) -> Iterator[tuple[Seats, Answer]]:
    """Answer a heartbeat whose instance id another member has: who has left for a time is followed, nobody else."""
    held = seats[holder].member
    assert held  # noqa: S101  that makes it the holder
    if request.epoch:
        yield seats, Answer(TAKEN_OVER)
    elif not held.away:
        yield seats, Answer(UNRELEASED)
    else:
        epoch = _fresh(seats[number])
        since = tuple(epoch if held.assigned & held.target & 1 << p else 0 for p in range(bounds.partitions))
        follows = Member(epoch, 0, since, 0, held.target, behind=False, away=False)
        if rules.taken_over_is_gone:
            seats = _with(seats, holder, seats[holder]._replace(member=()))
        seats = _with(seats, number, seats[number]._replace(member=follows))
        yield _granted(seats, number, epoch, bounds.partitions, rules), _answer_of(seats, number)


def _moved(seats: Seats, number: int, owned: int, partitions: int, rules: Rules) -> Seats:
    """Take a heartbeat with the present epoch: what has to go is withheld, what is given up is free, then it goes on."""
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
    had_to = bool(giving_up)
    giving_up &= owned
    member = member._replace(since=since, giving_up=giving_up, away=False)
    seats = _with(seats, number, seat._replace(member=member))
    if giving_up:
        return seats
    raised = _fresh(seat)
    if had_to or member.behind:
        member = member._replace(epoch=raised, previous=member.epoch, behind=False)
        return _granted(_with(seats, number, seat._replace(member=member)), number, raised, partitions, rules)
    if not _obtainable(seats, number, partitions, rules):
        return seats
    if rules.getting_raises_epoch:
        member = member._replace(epoch=raised, previous=member.epoch)
        seats = _with(seats, number, seat._replace(member=member))
    return _granted(seats, number, member.epoch, partitions, rules)


def _granted(seats: Seats, number: int, epoch: int, partitions: int, rules: Rules) -> Seats:
    """Give a member what is free of its share; commits of others for it are those of zombies from now on."""
    got = _obtainable(seats, number, partitions, rules)
    if not got:
        return seats
    after = []
    for n, seat in enumerate(seats):
        if n == number:
            since = tuple(epoch if got & 1 << p else old for p, old in enumerate(seat.member.since))  # type: ignore[union-attr]
            after.append(seat._replace(member=seat.member._replace(since=since)))  # type: ignore[union-attr]
        elif seat.commit and got & 1 << seat.commit.partition:
            after.append(seat._replace(commit=seat.commit._replace(zombie=True)))
        else:
            after.append(seat)
    return tuple(after)


def _obtainable(seats: Seats, number: int, partitions: int, rules: Rules) -> int:
    member = seats[number].member
    assert member  # noqa: S101  it was found
    taken = 0
    for n, seat in enumerate(seats):
        if seat.member and n != number:
            taken |= seat.member.holds if rules.waits_for_giving_up else seat.member.assigned
    return member.target & ~member.assigned & ~taken & ((1 << partitions) - 1)


def _removed(seats: Seats, number: int, partitions: int) -> Iterator[Seats]:
    yield from _retargeted(_with(seats, number, seats[number]._replace(member=())), partitions)


def _retargeted(seats: Seats, partitions: int) -> Iterator[Seats]:
    """Yield the group with each balanced target that moves the least."""
    now = _target(seats)
    found = _targets(seats, partitions)
    least = min((_distance(now, target) for target in found), default=0)
    if not found:
        yield seats
    for target in found:
        if _distance(now, target) == least:
            yield _aimed(seats, target)


def _aimed(seats: Seats, target: tuple[int, ...]) -> Seats:
    return tuple(
        seat._replace(member=seat.member._replace(target=share, behind=True)) if seat.member else seat
        for seat, share in zip(seats, target, strict=True)
    )


def _target(seats: Seats) -> tuple[int, ...]:
    return tuple(seat.member.target if seat.member else 0 for seat in seats)


def _targets(seats: Seats, partitions: int) -> list[tuple[int, ...]]:
    return _balanced(tuple(bool(seat.member) for seat in seats), partitions)


@cache
def _balanced(present: tuple[bool, ...], partitions: int) -> list[tuple[int, ...]]:
    """Return every distribution in which the shares of those who are present differ by one at most."""
    chosen = [number for number, there in enumerate(present) if there]
    found = []
    for owners in product(chosen, repeat=partitions):
        shares = [sum(1 << p for p, owner in enumerate(owners) if owner == n) for n in range(len(present))]
        sizes = [shares[n].bit_count() for n in chosen]
        if max(sizes) - min(sizes) <= 1:
            found.append(tuple(shares))
    return found


def _distance(now: tuple[int, ...], then: tuple[int, ...]) -> int:
    return sum((one & ~other).bit_count() for one, other in zip(now, then, strict=True))


def _answer_of(seats: Seats, number: int) -> Answer:
    member = seats[number].member
    assert member  # noqa: S101  it was found
    return Answer(OK, member.epoch, member.assigned)


def takes_commit(member: Member | tuple[()], commit: Commit, rules: Rules) -> bool:
    """Whether a commit that arrives now is stored, by a server that stores all it may (COMMIT-008 to COMMIT-012)."""
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


def wrong(seats: Seats) -> Iterator[str]:
    """Yield the promises that a state breaks, by their names in `PROMISES`."""
    held = reading = reading_in = 0
    for seat in seats:
        member, client, answer = seat.member, seat.client, seat.answer
        if member:
            if held & member.holds:
                yield "one holder"
            held |= member.holds
        if reading & client.reads:
            yield "one reader"
        reading |= client.reads
        if not _is_cast_out(seat):
            if reading_in & client.reads:
                yield "one reader among those who are in"
            reading_in |= client.reads
        if client.life == "open" and client.epoch and answer:
            if answer.code != OK:
                yield "nobody honest is refused"
            elif answer.epoch < client.epoch:
                yield "epochs go up"


def lets_zombies_commit(seats: Seats, rules: Rules) -> bool:
    """Whether a commit that is under way would be stored though its partition is somebody else's since it was sent."""
    return any(seat.commit and seat.commit.zombie and takes_commit(seat.member, seat.commit, rules) for seat in seats)


def _is_cast_out(seat: Seat) -> bool:
    """Whether the server has removed the client and only it does not know: that alone the clock prevents."""
    member, client = seat.member, seat.client
    return client.epoch > 0 and (not member or client.epoch not in (member.epoch, member.previous))


def settled(seats: Seats) -> bool:
    """Whether everybody who is in the group has its share and knows it, and everybody else reads nothing."""
    for seat in seats:
        member, client = seat.member, seat.client
        if member and (member.assigned != member.target or member.giving_up or member.behind):
            return False
        if member and client.life == "open" and not (client.epoch == member.epoch and client.reads == member.assigned):
            return False
        if (member and client.life != "open" and not member.away) or (not member and client.reads):
            return False
    return True


def round_of(seats: Seats, order: tuple[int, ...], bounds: Bounds, rules: Rules) -> Seats:
    """Return the world after each member has sent one heartbeat and heard its answer, in an order; nothing is lost."""
    for number in order:
        seat = seats[number]
        if not seat.member or seat.client.life != "open":
            continue
        client = seat.client._replace(reads=seat.client.reads & seat.client.told)
        seats = _with(seats, number, _sent(seat._replace(client=client), _next_request(client, rules), bounds.late))
        ((seats, answer),) = serve(seats, number, seats[number].sent[0], bounds, rules)
        heard = _heard(seats[number]._replace(answer=answer))
        seats = _with(seats, number, heard._replace(client=heard.client._replace(reads=heard.client.told)))
    return seats


def renumbered(seat: Seat) -> Seat:
    """Return a seat with its epochs numbered from 1 in their order."""
    numbers = {epoch: rank for rank, epoch in enumerate(sorted({0, *_epochs(seat)}))}
    member, answer, commit = seat.member, seat.answer, seat.commit
    return seat._replace(
        client=seat.client._replace(epoch=numbers[seat.client.epoch]),
        sent=tuple(request._replace(epoch=numbers[request.epoch]) for request in seat.sent),
        answer=answer and answer._replace(epoch=numbers[answer.epoch]),
        member=member
        and member._replace(
            epoch=numbers[member.epoch],
            previous=numbers[member.previous],
            since=tuple(numbers[epoch] for epoch in member.since),
        ),
        commit=commit and commit._replace(epoch=numbers[commit.epoch]),
    )


def relabelled(seat: Seat, order: tuple[int, ...]) -> Seat:
    """Return a seat with its partitions renamed: what was `order[p]` is p."""
    member, answer, commit = seat.member, seat.answer, seat.commit

    def renamed(held: int) -> int:
        return sum(1 << p for p, old in enumerate(order) if held & 1 << old)

    return seat._replace(
        client=seat.client._replace(reads=renamed(seat.client.reads), told=renamed(seat.client.told)),
        sent=tuple(request._replace(owned=renamed(request.owned)) for request in seat.sent),
        answer=answer and answer._replace(assignment=renamed(answer.assignment)),
        member=member
        and member._replace(
            since=tuple(member.since[old] for old in order),
            giving_up=renamed(member.giving_up),
            target=renamed(member.target),
        ),
        commit=commit and commit._replace(partition=order.index(commit.partition)),
    )


def _epochs(seat: Seat) -> Iterator[int]:
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
    return max(_epochs(seat)) + 1


def _with(seats: Seats, number: int, seat: Seat) -> Seats:
    return (*seats[:number], seat, *seats[number + 1 :])


def _members_of(held: int) -> list[int]:
    return [partition for partition in range(held.bit_length()) if held & 1 << partition]


def name_of(number: int) -> str:
    """Return the name by which a seat is shown."""
    return "ABCDEFGH"[number]


def set_text(held: int) -> str:
    """Return a partition set for people."""
    return "{" + ",".join(map(str, _members_of(held))) + "}"
