"""A group, its clients and the network between them, small enough that every state can be visited.

What can happen is deliberately hostile. A client may give up waiting at any time and send again: then its request or
the answer was lost. Requests that were given up, and repetitions by whoever stands between, arrive as the bounds say.
Members are removed at any time, whether their clients are silent or not: time may pass as fast as it likes. The group
may want another distribution at any time, as it does when topics change.

Epochs are numbered anew in every state, so an unbounded life has finitely many states.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

from kafka_do_conformance.models.exploring import Explored, Space, World, explore
from kafka_do_conformance.models.group import (
    FENCED,
    OK,
    TAKEN_OVER,
    UNKNOWN,
    Answer,
    Bounds,
    Client,
    Commit,
    Request,
    Rules,
    Seat,
    Seats,
    aimed,
    epochs_of,
    numbers_of,
    removed,
    replaced,
    serve,
    set_text,
    shares,
    takes_commit,
)

__all__ = ["PROMISES", "WORLDS", "Event", "GroupWorld", "explore_group", "heartbeats_to_settle"]

PROMISES = {
    "one holder": "No partition is assigned to two members, nor to one while another has to give it up.",
    "one reader": "No partition is read by two clients.",
    "one reader among members": "No partition is read by two clients of whom the server has removed neither.",
    "one answer may be lost": "A client that was not removed, and missed one answer at most, is not refused.",
    "epochs go up": "A client never hears an epoch below its own.",
    "no zombie commits": "No commit is stored for a partition that was given to another member since it was sent.",
    "can settle": "From every state everybody can get to know its share, and every partition is in one.",
    "settles soon": "When nobody joins or leaves and nothing is lost, four heartbeats of each are enough for that.",
}
_BEATS = 4
_TOO_MANY = 2
_ARRIVED = Request("none")


class Event(NamedTuple):
    """Something that happens: what, to whom, and what is said. Texts are made only for those that are shown."""

    kind: str
    seat: int
    request: Request | None = None
    answer: Answer | None = None
    more: tuple[int, ...] = ()

    def __str__(self) -> str:
        shares = " ".join(f"{_name(number)}{set_text(share)}" for number, share in enumerate(self.more))
        text = _TEXTS[self.kind].format(self=self, name=_name(self.seat), shares=shares)
        return text[:1].upper() + text[1:]


_TEXTS = {
    "restart": "another process begins in {name}'s place",
    "send": "{name} sends {self.request}",
    "exchange": "{name} sends {self.request}, and hears {self.answer}",
    "lose": "{name} sends {self.request}, which arrives; the answer is lost: {self.answer}",
    "hear": "{name} hears {self.answer}",
    "let go": "{name} lets go of what it may not read",
    "stop": "{name} stops reading, and forgets that it was in the group",
    "end": "{name} stops reading, and sends {self.request}: {self.answer}",
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
_QUIET = {"send", "exchange", "hear", "let go", "arrive", "session over", "rebalance over", "seize"}

Step = tuple[Event, Seats]


def begin(bounds: Bounds) -> Seats:
    """Return the world in which nobody has joined; the first two seats share an instance id if `static`."""
    return tuple(Seat(static=bounds.static and number < 2) for number in range(bounds.members))


def _steps(seats: Seats, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Yield everything that can happen next."""
    for number in range(len(seats)):
        yield from _client_steps(seats, number, bounds, rules)
        yield from _arrivals(seats, number, bounds, rules)
        yield from _removals(seats, number, bounds, rules)
    for target in shares(seats, bounds.partitions):
        yield Event("new target", 0, more=target), aimed(seats, target)


def _is_quiet(event: Event) -> bool:
    """Whether an event needs nobody's wish and no bad luck: what is sent arrives, is answered, and heard."""
    return event.kind in _QUIET


def _client_steps(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    seat = seats[number]
    client = seat.client
    if client.life == "gone":
        if bounds.restarts and not seat.member:
            yield Event("restart", number), replaced(seats, number, Seat(static=seat.static))
        return
    yield from _sendings(seats, number, bounds, rules)
    if seat.answer:
        yield Event("hear", number, answer=seat.answer), replaced(seats, number, _heard(seat, rules))
    if client.life == "open":
        yield from _wishes(seats, number, bounds, rules)


def _sendings(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Let a client send what it has to say. Where nothing is late that arrives at once, and its answer now or never."""
    request = _next_request(seats[number].client, rules)
    sent = replaced(seats, number, _sent(seats[number], request, bounds))
    if bounds.late:
        yield Event("send", number, request), sent
        return
    for after, answer in serve(sent, number, request, bounds, rules):
        answered = _answered(after, number, request, answer)
        if _is_welcome(answered[number]):
            yield Event("lose", number, request, answer), replaced(answered, number, _lost(answered[number]))
            answered = replaced(answered, number, _heard(answered[number], rules))
        yield Event("exchange", number, request, answer), answered


def _is_welcome(seat: Seat) -> bool:
    """Whether an answer is as it has to be; one that is not stays in the world, to be looked at."""
    return bool(seat.answer) and seat.answer.code == OK and seat.answer.epoch >= seat.client.epoch


def _lost(seat: Seat) -> Seat:
    """Lose an answer."""
    missed = min(seat.missed + (seat.client.epoch > 0), _TOO_MANY)
    return seat._replace(waiting=False, answer=(), missed=missed, out=seat.out and seat.client.epoch > 0)


def _answered(seats: Seats, number: int, request: Request, answer: Answer) -> Seats:
    """Return the world in which an answer is on its way to the client that waits for it."""
    taken_in = answer.code == OK and request.kind == "heartbeat"
    seat = seats[number]
    return replaced(seats, number, seat._replace(answer=answer, out=seat.out and not taken_in))


def _wishes(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Yield what an open client does by itself."""
    seat = seats[number]
    client = seat.client
    if client.reads & ~client.told:
        let_go = client._replace(reads=client.reads & client.told)
        yield Event("let go", number), replaced(seats, number, seat._replace(client=let_go))
    if client.epoch or seat.waiting:
        yield from _endings(seats, number, bounds, rules)
    if bounds.commits and client.epoch and not any(other.commit for other in seats):
        for partition in numbers_of(client.reads):
            begun = seat._replace(commit=Commit(client.epoch, partition))
            more = tuple((n == number) << partition for n in range(len(seats)))
            yield Event("commit", number, more=more), replaced(seats, number, begun)


def _endings(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Let a client stop for a while, or for good; where nothing is late, another one is in its place at once."""
    seat = seats[number]
    stopped = seat._replace(client=Client(), waiting=False, answer=(), missed=0, out=False)
    if rules.clients_watch_the_clock or not bounds.late:
        yield Event("stop", number), replaced(seats, number, stopped)
    for kind, life, request in (("close", "closing", Request("leave")), ("pause", "pausing", Request("pause"))):
        if kind == "pause" and not seat.static:
            continue
        if bounds.late:
            ending = _sent(stopped._replace(client=Client(life=life)), request, bounds)
            yield Event(kind, number), replaced(seats, number, ending)
        else:
            for after, answer in serve(replaced(seats, number, stopped), number, request, bounds, rules):
                yield Event("end", number, request, answer), after


def _next_request(client: Client, rules: Rules) -> Request:
    if client.life != "open":
        return Request("leave" if client.life == "closing" else "pause")
    return Request("heartbeat", client.epoch, client.reads if rules.clients_list_what_they_read else client.told)


def _sent(seat: Seat, request: Request, bounds: Bounds) -> Seat:
    """Send a request; one that is still waited for is given up, and its answer will not be looked at."""
    same = bounds.repeats and seat.sent[:1] == (request,)
    sent = seat.sent if same else (request, *seat.sent)[: bounds.late]
    lost = bool(seat.answer) and seat.client.epoch > 0
    missed = min(seat.missed + lost, _TOO_MANY)
    return seat._replace(waiting=True, sent=sent, answer=(), missed=missed, out=seat.out and seat.client.epoch > 0)


def _heard(seat: Seat, rules: Rules) -> Seat:
    """Take an answer as an honest client does (GROUP-049, GROUP-051, GROUP-052, GROUP-054, GROUP-055)."""
    client, answer = seat.client, seat.answer
    assert answer  # noqa: S101  only an answer is heard
    if client.life != "open" or answer.code == TAKEN_OVER:
        client = Client(life="gone")
    elif answer.code == OK:
        client = client._replace(epoch=answer.epoch, told=answer.assignment, reads=client.reads | answer.assignment)
    elif answer.code in (UNKNOWN, FENCED):
        client = Client() if rules.clients_stop_when_refused else Client(reads=client.reads, told=client.told)
    return seat._replace(client=client, waiting=False, answer=(), missed=0, out=seat.out and client.epoch > 0)


def _arrivals(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Let a request arrive, the newest or an older one; only the newest one's answer is of use."""
    for age, request in enumerate(seats[number].sent):
        if request == _ARRIVED:
            continue
        waits = age == 0 and seats[number].waiting
        for after, answer in serve(seats, number, request, bounds, rules):
            if not bounds.repeats:
                after = replaced(after, number, _without(after[number], age))
            if waits:
                yield Event("arrive", number, request, answer), _answered(after, number, request, answer)
            else:
                yield Event("late", number, request, answer), after


def _without(seat: Seat, age: int) -> Seat:
    """Return a seat of which a request is not on its way any more."""
    sent = [*seat.sent[:age], _ARRIVED, *seat.sent[age + 1 :]]
    while sent and sent[-1] == _ARRIVED:
        sent.pop()
    return seat._replace(sent=tuple(sent))


def _removals(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Let a time-out remove a member: of a client that watches the clock, only after that has stopped."""
    seat = seats[number]
    if not seat.member or (rules.clients_watch_the_clock and not _has_stopped(seat)):
        return
    for after in removed(seats, number, bounds, rules):
        yield Event("session over", number), after
        if seat.member.giving_up and rules.timeout_removes:
            yield Event("rebalance over", number), after
    if seat.member.giving_up and not rules.timeout_removes:
        kept = seat.member._replace(giving_up=0)
        yield Event("seize", number), replaced(seats, number, seat._replace(member=kept))


def _has_stopped(seat: Seat) -> bool:
    return seat.client.life != "open" or (seat.client.epoch == 0 and not seat.answer)


def _wrong(seats: Seats) -> Iterator[str]:
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
        if not seat.out:
            if reading_in & client.reads:
                yield "one reader among members"
            reading_in |= client.reads
        if client.life == "open" and client.epoch and answer and not seat.out:
            if answer.code != OK:
                if seat.missed < _TOO_MANY:
                    yield "one answer may be lost"
            elif answer.epoch < client.epoch:
                yield "epochs go up"


def _lets_zombies_commit(seats: Seats, rules: Rules) -> bool:
    """Whether a commit that is under way would be stored though its partition is somebody else's since it was sent."""
    return any(seat.commit and seat.commit.zombie and takes_commit(seat.member, seat.commit, rules) for seat in seats)


def _settled(seats: Seats, partitions: int) -> bool:
    """Whether everybody who is in the group has its share and knows it, everybody else reads nothing, nothing is lost."""
    members = [seat.member for seat in seats if seat.member]
    if members and sum(member.assigned for member in members) != (1 << partitions) - 1:
        return False
    for seat in seats:
        member, client = seat.member, seat.client
        if member and (member.assigned != member.target or member.giving_up or member.behind):
            return False
        if member and client.life == "open" and not (client.epoch == member.epoch and client.reads == member.assigned):
            return False
        if (member and client.life != "open" and not member.away) or (not member and client.reads):
            return False
    return True


def heartbeats_to_settle(seats: Seats, bounds: Bounds, rules: Rules) -> int | None:
    """Return after how many heartbeats of each, in the worst order, all is settled; None if somebody is refused."""
    worlds = {seats}
    for count in range(_BEATS + 1):
        worlds = {world for world in worlds if not _is_shared_out(world)}
        if not worlds:
            return count
        rounds = {_round(world, order, bounds, rules) for world in worlds for order in permutations(range(len(seats)))}
        if None in rounds:
            return None
        worlds = {world for world in rounds if world is not None}
    return _BEATS + 1


def _is_shared_out(seats: Seats) -> bool:
    return all(not seat.member or seat.member.assigned == seat.member.target for seat in seats)


def _round(seats: Seats, order: tuple[int, ...], bounds: Bounds, rules: Rules) -> Seats | None:
    """Return the world after each member has sent a heartbeat and heard the answer; None if somebody is no member."""
    for number in order:
        seat = seats[number]
        if not seat.member and seat.client == Client(life=seat.client.life):
            continue
        if not seat.member or seat.client.life != "open" or not seat.client.epoch:
            return None
        client = seat.client._replace(reads=seat.client.reads & seat.client.told)
        ((seats, answer),) = serve(seats, number, _next_request(client, rules), bounds, rules)
        if answer.code != OK:
            return None
        heard = _heard(seats[number]._replace(client=client, answer=answer), rules)
        heard = heard._replace(client=heard.client._replace(reads=heard.client.told), sent=())
        seats = replaced(seats, number, heard)
    return seats


def _plain(seat: Seat, bounds: Bounds, promises: frozenset[str]) -> Seat:
    """Return a seat without what cannot matter any more, and with its epochs numbered from 1 in their order."""
    member = seat.member
    if member:
        asked = {seat.client.epoch, *(request.epoch for request in seat.sent)}
        since = member.since if bounds.commits else tuple(min(epoch, 1) for epoch in member.since)
        member = member._replace(previous=member.previous if member.previous in asked else 0, since=since)
    missed = seat.missed if "one answer may be lost" in promises else 0
    return _renumbered(seat._replace(member=member, missed=missed), bounds)


def _renumbered(seat: Seat, bounds: Bounds) -> Seat:
    member, answer, commit = seat.member, seat.answer, seat.commit
    if member and not bounds.commits:
        known = {0, *epochs_of(seat._replace(member=member._replace(since=())))}
    else:
        known = {0, *epochs_of(seat)}
    numbers = {epoch: rank for rank, epoch in enumerate(sorted(known))}
    return seat._replace(
        client=seat.client._replace(epoch=numbers[seat.client.epoch]),
        sent=tuple(request._replace(epoch=numbers[request.epoch]) for request in seat.sent),
        answer=answer and answer._replace(epoch=numbers[answer.epoch]),
        member=member
        and member._replace(
            epoch=numbers[member.epoch],
            previous=numbers[member.previous],
            since=tuple(numbers[epoch] for epoch in member.since) if bounds.commits else member.since,
        ),
        commit=commit and commit._replace(epoch=numbers[commit.epoch]),
    )


def _relabelled(seat: Seat, order: tuple[int, ...]) -> Seat:
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


def _name(number: int) -> str:
    return "ABCDEFGH"[number]


class GroupWorld(NamedTuple):
    """What is explored, under which rules, and what is promised there."""

    bounds: Bounds
    rules: Rules = Rules()
    promises: frozenset[str] = frozenset(PROMISES) - {"one reader"}


_WATCHED = Rules(clients_watch_the_clock=True)
_LATE = frozenset(PROMISES) - {"one reader", "one reader among members", "one answer may be lost", "settles soon"}

WORLDS = {
    "lossy": GroupWorld(Bounds()),
    "watched": GroupWorld(Bounds(), _WATCHED, frozenset(PROMISES)),
    "static": GroupWorld(Bounds(partitions=1, static=True)),
    "commits": GroupWorld(Bounds(partitions=1, commits=True)),
    "late": GroupWorld(Bounds(partitions=1, late=2, repeats=True), Rules(), _LATE),
}


def explore_group(world: GroupWorld, *, most: int = 10_000_000) -> tuple[Explored, Space]:
    """Explore a world; raises Faulty for a promise that is broken in it."""
    bounds, rules, promises = world

    def fault(seats: Seats) -> str | None:
        broken = next((promise for promise in _wrong(seats) if promise in promises), None)
        if broken is None and "no zombie commits" in promises and _lets_zombies_commit(seats, rules):
            return "no zombie commits"
        if broken is None and "settles soon" in promises:
            return "settles soon" if (heartbeats_to_settle(seats, bounds, rules) or 0) > _BEATS else None
        return broken

    return explore(
        World(
            tuple(Seat(static=bounds.static and number < 2) for number in range(bounds.members)),
            lambda seats: _steps(seats, bounds, rules),
            fault,
            lambda seats: _settled(seats, bounds.partitions),
            _is_quiet,
            bounds.partitions,
            _relabelled,
            lambda seat: _plain(seat, bounds, promises),
        ),
        most=most,
    )
