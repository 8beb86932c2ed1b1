"""What is promised of a group whatever happens to it, as far as a state shows it."""

from collections.abc import Iterable, Iterator
from itertools import permutations

from kafka_do_conformance.models.group import MANY, OK, Bounds, Client, Rules, Seats, replaced, serve, takes_commit
from kafka_do_conformance.models.group_world import heard, next_request

__all__ = ["PROMISES", "broken", "heartbeats_to_settle", "is_settled"]

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


def broken(seats: Seats, bounds: Bounds, rules: Rules, promises: frozenset[str]) -> str | None:
    """Return one of these promises that a state breaks, None if it keeps them."""
    for promise in _wrong(seats):
        if promise in promises:
            return promise
    if "no zombie commits" in promises and _lets_zombies_commit(seats, rules):
        return "no zombie commits"
    if "settles soon" in promises and (heartbeats_to_settle(seats, bounds, rules) or 0) > _BEATS:
        return "settles soon"
    return None


def _wrong(seats: Seats) -> Iterator[str]:
    """Yield the promises that a state breaks, by their names in `PROMISES`."""
    if _overlap(seat.member.holds for seat in seats if seat.member):
        yield "one holder"
    if _overlap(seat.client.reads for seat in seats):
        yield "one reader"
    if _overlap(seat.client.reads for seat in seats if not seat.out):
        yield "one reader among members"
    for seat in seats:
        if seat.answer and seat.client.life == "open" and seat.client.epoch and not seat.out:
            if seat.answer.code != OK and seat.missed < MANY:
                yield "one answer may be lost"
            if seat.answer.code == OK and seat.answer.epoch < seat.client.epoch:
                yield "epochs go up"


def _overlap(sets: Iterable[int]) -> bool:
    seen = 0
    for one in sets:
        if seen & one:
            return True
        seen |= one
    return False


def _lets_zombies_commit(seats: Seats, rules: Rules) -> bool:
    """Whether a commit that is under way would be stored though its partition is somebody else's since it was sent."""
    return any(seat.commit and seat.commit.zombie and takes_commit(seat.member, seat.commit, rules) for seat in seats)


def is_settled(seats: Seats, partitions: int) -> bool:
    """Whether every member has its share and knows it, nobody else reads, and no partition is left over."""
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
        ((seats, answer),) = serve(seats, number, next_request(client, rules), bounds, rules)
        if answer.code != OK:
            return None
        seat = heard(seats[number]._replace(client=client, answer=answer), rules)
        seats = replaced(seats, number, seat._replace(client=seat.client._replace(reads=seat.client.told), sent=()))
    return seats
