"""A group, its clients and the network between them, small enough that every state can be visited.

What can happen is deliberately hostile. A client may give up waiting at any time and send again: then its request or
the answer was lost. Requests that were given up, and repetitions by whoever stands between, arrive as the bounds say.
Members are removed at any time, whether their clients are silent or not: time may pass as fast as it likes. The group
may want another distribution at any time, as it does when topics change.

Where nothing is late, a request arrives as it is sent, and its answer is heard at once or never: an answer on its way
changes nothing that anybody else can see, and who hears it later reads no more than who has heard it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from kafka_do_conformance.models.group import (
    FENCED,
    MANY,
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
    numbers_of,
    removed,
    replaced,
    serve,
    set_text,
    shares,
)

__all__ = ["Event", "Step", "heard", "is_quiet", "next_request", "steps"]

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
    "join": "{name} sends {self.request}",
    "be taken in": "{name} sends {self.request}, and hears {self.answer}",
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
    "cast out": "nothing is heard of {name}, or it has not given up in time: it is removed, and does not know",
    "seize": "{name} has not given up in time, it keeps the rest",
    "new target": "the group wants {shares}",
}

Step = tuple[Event, Seats]
_QUIET = {"send", "exchange", "hear", "let go", "arrive", "session over"}


def is_quiet(event: Event) -> bool:
    """Whether an event needs nobody's wish and no bad luck: what is sent arrives, is answered, and heard."""
    return event.kind in _QUIET


def steps(seats: Seats, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Yield everything that can happen next."""
    for number in range(len(seats)):
        yield from _client_steps(seats, number, bounds, rules)
        yield from _arrivals(seats, number, bounds, rules)
        yield from _removals(seats, number, bounds, rules)
    for target in shares(seats, bounds.partitions):
        yield Event("new target", 0, more=target), aimed(seats, target)


def _client_steps(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    seat = seats[number]
    client = seat.client
    if client.life == "gone":
        if bounds.restarts and not seat.member:
            yield Event("restart", number), replaced(seats, number, Seat(static=seat.static))
        return
    yield from _sendings(seats, number, bounds, rules)
    if seat.answer:
        yield Event("hear", number, answer=seat.answer), replaced(seats, number, heard(seat, rules))
    if client.life == "open":
        yield from _wishes(seats, number, bounds, rules)


def _sendings(seats: Seats, number: int, bounds: Bounds, rules: Rules) -> Iterator[Step]:
    """Let a client send what it has to say. Where nothing is late that arrives at once, and its answer now or never."""
    seat = seats[number]
    request = next_request(seat.client, rules)
    sent = replaced(seats, number, _sent(seat, request, bounds))
    is_new = not seat.member and seat.client == Client()
    if bounds.late:
        yield Event("join" if is_new else "send", number, request), sent
        return
    for after, answer in serve(sent, number, request, bounds, rules):
        answered = _answered(after, number, request, answer)
        if _is_welcome(answered[number]):
            yield Event("lose", number, request, answer), replaced(answered, number, _lost(answered[number]))
            answered = replaced(answered, number, heard(answered[number], rules))
        yield Event("be taken in" if is_new else "exchange", number, request, answer), answered


def _is_welcome(seat: Seat) -> bool:
    """Whether an answer is as it has to be; one that is not stays in the world, to be looked at."""
    answer = seat.answer
    return bool(answer and answer.code == OK and answer.epoch >= seat.client.epoch)


def _lost(seat: Seat) -> Seat:
    """Lose an answer."""
    missed = min(seat.missed + (seat.client.epoch > 0), MANY)
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


def next_request(client: Client, rules: Rules) -> Request:
    """Return what a client has to say next (GROUP-049)."""
    if client.life != "open":
        return Request("leave" if client.life == "closing" else "pause")
    return Request("heartbeat", client.epoch, client.reads if rules.clients_list_what_they_read else client.told)


def _sent(seat: Seat, request: Request, bounds: Bounds) -> Seat:
    """Send a request; one that is still waited for is given up, and its answer will not be looked at."""
    same = bounds.repeats and seat.sent[:1] == (request,)
    sent = seat.sent if same else (request, *seat.sent)[: bounds.late]
    lost = bool(seat.answer) and seat.client.epoch > 0
    missed = min(seat.missed + lost, MANY)
    return seat._replace(waiting=True, sent=sent, answer=(), missed=missed, out=seat.out and seat.client.epoch > 0)


def heard(seat: Seat, rules: Rules) -> Seat:
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
        for served, answer in serve(seats, number, request, bounds, rules):
            after = served if bounds.repeats else replaced(served, number, _without(served[number], age))
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
    kind = "session over" if _has_stopped(seat) else "cast out"
    for after in removed(seats, number, bounds, rules):
        if kind == "session over" or not seat.member.giving_up or rules.timeout_removes:
            yield Event(kind, number), after
    if seat.member.giving_up and not rules.timeout_removes:
        kept = seat.member._replace(giving_up=0)
        yield Event("seize", number), replaced(seats, number, seat._replace(member=kept))


def _has_stopped(seat: Seat) -> bool:
    return seat.client.life != "open" or (seat.client.epoch == 0 and not seat.answer)


def _name(number: int) -> str:
    return "ABCDEFGH"[number]
