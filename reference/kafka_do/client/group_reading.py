"""What a member of a group reads and commits for its caller: the whole of a consumer but its waiting.

Messages go this way: fetched into `_found`, from there to the caller, who works on them (`_at_work`), and once the
caller comes back they are done with. What the member holds, and with it what others have to wait for, are the
partitions of the messages in `_at_work` and `_found`; a partition that is taken away leaves `_found` at once. While
the caller works on a full answer, the next one is fetched. (`fetching_ahead.py`)
"""

import inspect
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast

import msgspec

from kafka_do.client.backoff import Backoff, may_be_repeated
from kafka_do.client.codec import Misfit
from kafka_do.client.committing import Commit
from kafka_do.client.consuming import Found, Positions
from kafka_do.client.ending import CLOSING_MS, end_within
from kafka_do.client.fetching_ahead import Answer, FetchAhead
from kafka_do.client.letters import Letters
from kafka_do.client.live_member import LiveMember
from kafka_do.client.membership import Assigned, Lost, Membership, Partition, Revoked, Subscription
from kafka_do.client.messages import ReadMessage
from kafka_do.client.misfits import MisfitError
from kafka_do.client.reading_options import Place, Reading, RebalanceCallback
from kafka_do.client.serializing import value_of
from kafka_do.client.session import Session
from kafka_do.core.broker import CommitOffsets, QueryOffsets
from kafka_do.core.errors import KafkaError
from kafka_do.core.messages import CommitResult

__all__ = ["GroupReading"]

Received = ReadMessage[Any]
M = TypeVar("M", bound=ReadMessage[Any])


class GroupReading(Generic[M]):
    """A member of a group, for one caller at a time."""

    def __init__(
        self,
        session: Session,
        subscription: Subscription,
        reading: Reading,
    ) -> None:
        runtime = session.runtime
        self.session = session
        self.group = subscription.group
        self._broker = session.broker
        self._consumer: object = None
        self._parts = session.parts
        self._runtime = runtime
        self._log = session.log
        self._tracing = session.tracing
        self._reading = reading
        self._timeout_ms = session.timeout_ms
        self._most_wait_ms = min(reading.fetch_max_wait_ms, session.timeout_ms // 2)
        self._fetches_ahead = reading.fetches_ahead and session.connection.server is not None  # else nothing is saved
        self._positions = Positions(
            reading.start,
            limits={
                "max_records": reading.max_poll_records,
                "max_bytes": reading.fetch_max_bytes,
                "min_bytes": reading.fetch_min_bytes,
            },
        )
        self._backoff = Backoff()
        self._committing = runtime.turn()
        self._found: deque[M] = deque()
        self._at_work: Sequence[M] = ()
        self._stop: Callable[[], None] | None = None
        self._is_closed = False
        self._codec = reading.codec
        self._letters = Letters(session)
        self._next_auto_commit_ms = runtime.now_ms() + reading.auto_commit_interval_ms
        self._member = LiveMember(session, subscription, changed=self._keep)
        self._ahead = FetchAhead(runtime, self._broker.fetch, answered=lambda: self._member.hold_fetched(()))

    def start(self, consumer: object, make: Callable[..., M]) -> None:
        """Join; `make` makes what the caller is given of a record, for `consumer`."""
        self._consumer = consumer
        self._parts.add(self)
        self._positions.hand_to(consumer, make, self._codec.decode if self._codec else None)
        self._member.start()

    def assignment(self) -> list[Place]:
        """Return what the member may read, in order."""
        with self._member.locked() as state:
            return _places(state.assigned)

    async def poll(self, timeout_ms: int) -> list[M]:
        """Return the next messages, none if there are none within the time; those of the call before are done with."""
        until_ms = self._runtime.now_ms() + timeout_ms
        begun_ns = self._tracing.now_ns()
        self._member.check()
        await self._come_back()
        if not self._found:
            await self._fill(until_ms)
        messages = await self._hand_out(self._reading.max_poll_records)
        self._tracing.received(self.group, begun_ns, messages)
        return messages

    def found(self) -> Iterator[M]:
        """Yield messages that are there, until something else has to be done first: then `next` goes on.

        Asking for the next one says that the one before is done with. An iteration with it takes half of the time.
        """
        if self._tracing.is_on:
            return  # each call has a span of its own
        commits_past = self._commits_past
        origin = None
        while self._found and not self._member.news and not isinstance(self._found[0].value, Misfit):
            if commits_past and (self._member.gives_up or self._runtime.now_ms() >= self._next_auto_commit_ms):
                return
            message = self._found.popleft()
            self._at_work = (message,)
            if message.origin is origin:
                self._positions.go_on(message)
            else:
                origin = message.origin
                with self._member.locked():
                    self._positions.hand_out(self._at_work)
            yield message

    async def next(self, timeout_ms: int | None) -> M | None:
        """Return the next message; None if there is none within the time. The one before is done with."""
        until_ms = None if timeout_ms is None else self._runtime.now_ms() + timeout_ms
        begun_ns = self._tracing.now_ns()
        if self._member.news or not self._found:
            self._member.check()
            await self._come_back()
        elif self._commits_past:
            self._at_work = ()
            await self._auto_commit_in_time()
        while not self._found:
            await self._fill_in_time(self._runtime.now_ms() + self._timeout_ms if until_ms is None else until_ms)
            if until_ms is not None and self._runtime.now_ms() >= until_ms:
                break
        messages = await self._hand_out(1)
        self._tracing.received(self.group, begun_ns, messages)
        return messages[0] if messages else None

    async def batch(self, size: int, timeout_ms: int) -> list[M]:
        """Return so many messages, fewer if there are no more within the time; those before are done with."""
        until_ms = self._runtime.now_ms() + timeout_ms
        begun_ns = self._tracing.now_ns()
        self._member.check()
        await self._come_back()
        messages: list[M] = []
        while True:
            messages += await self._hand_out(size - len(messages), before=messages)
            if len(messages) == size or self._found or self._runtime.now_ms() >= until_ms:
                break
            await self._fill(until_ms)
        with self._member.locked() as state:
            kept = [one for one in messages if _is_owned(one, state)]
        self._at_work = kept
        self._tracing.received(self.group, begun_ns, kept)
        return kept

    # While others work beside the caller

    @contextmanager
    def beside(self, stop: Callable[[], None]) -> Iterator[None]:
        """Read with `more` while others work, until `stop` is called, and commit in their name."""
        if self._stop is not None:
            raise RuntimeError("this consumer is processing already")
        self._stop = stop
        try:
            yield
        finally:
            self._stop = None

    def stop(self) -> None:
        """Let the others' work end, if they are at it."""
        stop = self._stop
        if stop is not None:
            stop()

    @property
    def has_found(self) -> bool:
        """Whether there is something that was read and waits for being handed out."""
        return bool(self._found)

    def lost(self, messages: Iterable[M]) -> list[M]:
        """Return those that others have by now."""
        with self._member.locked() as state:
            return [one for one in messages if not _is_owned(one, state)]

    async def more(self, at_work: Sequence[M], most: int, timeout_ms: int) -> list[M]:
        """Return further messages, as many at most; all that were given before are done with, but `at_work`."""
        until_ms = self._runtime.now_ms() + timeout_ms
        begun_ns = self._tracing.now_ns()
        with self._waiting_out():
            self._member.check()
        await self._come_back(at_work)
        if most > 0 and not self._found:
            await self._fill_in_time(until_ms)
        messages = await self._hand_out(most, before=at_work)
        self._tracing.received(self.group, begun_ns, messages)
        return messages

    async def end_beside(self, left: Sequence[M]) -> None:
        """Commit what is done with, and take back what is `left`, to be read again."""
        self._at_work = left
        await self._auto_commit()
        gone = {message.origin.partition for message in left}
        self._drop_found(lambda one: one.origin.partition in gone)
        with self._member.locked():
            self._positions.take_back(left)
        self._at_work = ()
        self._hold()

    async def commit(self, messages: Iterable[Received] | None = None) -> dict[Place, int]:
        """Commit that messages are done with, or everything that was handed out; return the offset of each partition.

        Raises KafkaError: `closed`; what the commit was refused for; `rebalance_in_progress` where one of the messages
        is of a partition that the member has lost. (COMMIT-027 to COMMIT-030)
        """
        if self._stop is not None:
            raise RuntimeError("processing commits by itself what is done with, without gaps")
        chosen = None if messages is None else self._own(messages)
        self._member.check()
        async with self._committing:
            stored = await self._commit(lambda state: self._positions.done(_owned(chosen, state)))
        with self._member.locked() as state:
            lost = sorted({one.origin.partition for one in chosen or () if not _is_owned(one, state)})
        if lost:
            names = ", ".join(f"{topic}-{number}" for topic, number in _places(lost))
            raise KafkaError(
                "rebalance_in_progress",
                f"nothing was committed for {names}: the group {self.group} gives what this member had there to others",
                topic=lost[0].topic,
                partition=lost[0].number,
                group=self.group,
            )
        return {(one.topic, one.number): offset for one, offset in stored.items()}

    async def close(self, *, temporary: bool = False) -> None:
        """Commit what the caller has gone past, if that is done for it, and leave, all within a second. (GROUP-055)"""
        self._member.check_leaving(temporary=temporary)
        self._found.clear()
        self._parts.discard(self)
        if self._is_closed:
            return
        self._is_closed = True
        if not await end_within(self._runtime, lambda: self._end(temporary=temporary), timeout_ms=CLOSING_MS):
            self._log.warning("The group %s has not answered in time that this member leaves", self.group)
            await self._member.abandon()
        await self._ahead.close()

    async def _end(self, *, temporary: bool) -> None:
        if self._reading.auto_commit:
            beside = self.session.connection.beside(CLOSING_MS)
            self._broker = beside.broker
            try:
                await self._auto_commit()
            finally:
                await beside.close()
        await self._member.close(temporary=temporary)

    async def seek(self, place: Place, offset: int) -> None:
        """Read on at an offset; what was found and not handed out is dropped."""
        with self._member.locked() as state:
            partition = _named(place, state)
            self._drop_found(lambda one: one.origin.partition == partition)
            self._positions.seek(partition, offset)

    async def position(self, place: Place) -> int:
        """Return the next record that the caller will be given; finds it out where nothing was read yet."""
        until_ms = self._runtime.now_ms() + self._timeout_ms
        self._member.check()
        with self._member.locked() as state:
            partition = _named(place, state)
        await self._look_up(frozenset((partition,)), until_ms)
        for message in self._found:
            if message.origin.partition == partition:
                return message.offset
        with self._member.locked():
            found = self._positions.position(partition)
        if found is None:
            words = f"{place[0]}-{place[1]} is no more"
            raise KafkaError("partition_not_found", words, topic=place[0], partition=place[1])
        return found

    def pause(self, places: Sequence[Place]) -> None:
        """Hand out nothing of these, all assigned ones if there are none, until `resume`; they stay the member's."""
        with self._member.locked() as state:
            partitions = [_named(place, state) for place in places] or sorted(state.assigned)
            self._put_back(partitions)
            self._positions.pause(partitions)

    def resume(self, places: Sequence[Place]) -> None:
        """Read these again, all paused ones if there are none."""
        with self._member.locked() as state:
            self._positions.resume([_named(place, state) for place in places] or self._positions.paused)

    def paused(self) -> list[Place]:
        """Return what is paused, in order."""
        with self._member.locked():
            return _places(self._positions.paused)

    def standing(self) -> tuple[int, frozenset[Partition]]:
        """Return how often the member has lost everything, and what it may read now."""
        with self._member.locked() as state:
            return state.losses, state.assigned

    def has_joined(self) -> bool:
        """Whether the group has answered the member."""
        with self._member.locked() as state:
            return state.answered > 0

    def arrange(self, positions: Mapping[Partition, int | None], paused: Collection[Partition]) -> None:
        """Read on at these offsets, None for the start, and everything but what is `paused`."""
        with self._member.locked() as state:
            self._drop_found(lambda one: one.origin.partition in positions)
            for partition in state.assigned & positions.keys():
                offset = positions[partition]
                if offset is None:
                    self._positions.begin([partition])
                else:
                    self._positions.seek(partition, offset)
            self._put_back(paused)
            self._positions.resume(self._positions.paused)
            self._positions.pause(state.assigned.intersection(paused))

    def read_to_end(self) -> frozenset[Partition]:
        """Return the partitions in which nothing was left when they were read last, but what is not handed out."""
        with self._member.locked() as state:
            return frozenset(one for one in state.assigned if self._positions.is_read(one)) - {
                message.origin.partition for message in self._found
            }

    # What the caller has, and has done with

    async def _hand_out(self, most: int, before: Sequence[M] = ()) -> list[M]:
        """Return the next messages, which the caller has beside those that it was given just `before`.

        Raises MisfitError where the first has a value that does not fit; one further on waits for the next call.
        """
        found = self._found
        at_work, passed = list(before), []
        try:
            while found and len(at_work) - len(before) < most:
                message = found[0]
                if isinstance(message.value, Misfit):
                    if not await self._let_pass(message, at_work):
                        break
                else:
                    at_work.append(message)
                passed.append(found.popleft())
        except MisfitError:
            at_work.append(message)
            passed.append(found.popleft())
            raise
        finally:
            with self._member.locked():
                self._positions.hand_out(passed)
            self._at_work = at_work
        return at_work[len(before) :]

    async def _let_pass(self, message: M, before: Sequence[M]) -> bool:
        """Go past a message that does not fit, as the caller has chosen; whether that is done.

        An error comes only where nothing was given before it, which would be lost with it.
        """
        error = self._misfit(message)
        fate = self._reading.on_misfit
        if fate == "raise":
            if before:
                return False
            raise error
        if fate == "skip":
            self._log.warning("Skipped: %s", error)
            return True
        try:
            await self._letters.send(fate, error.message, error)
        except KafkaError:
            if before:
                return False
            raise
        return True

    def _misfit(self, message: M) -> MisfitError:
        name = self._codec.name if self._codec else ""
        plain = msgspec.structs.replace(message, value=value_of(message.raw_value))
        return MisfitError(plain, name, message.value.reason)

    async def _come_back(self, at_work: Sequence[M] = ()) -> None:
        """Take it that the caller has done with what it was given, but `at_work`, and tell it what has changed."""
        self._at_work = at_work
        await self._tell_news()
        if self._commits_past:
            await self._auto_commit_in_time()
        self._hold()

    @property
    def _commits_past(self) -> bool:
        """Whether what the caller has gone past is committed in its name."""
        return self._reading.auto_commit or self._stop is not None

    def _hold(self, reading: Iterable[Partition] = ()) -> None:
        at_work = {message.origin.partition for message in self._at_work}
        found = {message.origin.partition for message in self._found}
        self._member.hold(at_work | found | self._still_to_commit() | set(reading))

    def _still_to_commit(self) -> set[Partition]:
        """Return what is to be kept until the caller, or the commit in its name, has had a chance to commit."""
        if not self._commits_past and self._reading.on_revoked is None:
            return set()
        with self._member.locked() as state:
            told = [event.partitions for event in self._member.news if isinstance(event, Revoked)]
            return set(self._positions.gone_past(()).keys() & state.assigned.union(*told))

    def _put_back(self, partitions: Collection[Partition]) -> None:
        """Read again, another time, what was found of these and not handed out; to be called with the state locked."""
        for message in reversed(self._found):
            if message.origin.partition in partitions:
                self._positions.read_again(message.origin.partition, message.offset)
        self._drop_found(lambda one: one.origin.partition in partitions)

    def _drop_found(self, drop: Callable[[M], bool]) -> None:
        self._found = deque(message for message in self._found if not drop(message))

    async def _tell_news(self) -> None:
        """Tell the caller of rebalances, while what was revoked and is still held can be committed."""
        news = self._member.news
        if not news:
            return
        with self._member.locked() as state:
            self._drop_found(
                lambda one: one.origin.partition not in state.assigned or one.origin.losses != state.losses
            )
        while news:
            event = news.popleft()
            if isinstance(event, Revoked) and self._commits_past:
                await self._auto_commit()
            if isinstance(event, Lost):
                words = "The group %s went on without this member: %s were lost, and are read again by who has them now"
                self._log.warning(words, self.group, _places(event.partitions))
            if (callback := self._callback(event)) is not None:
                answer = callback(_places(event.partitions))
                if inspect.isawaitable(answer):
                    await answer

    def _callback(self, event: Assigned | Revoked | Lost) -> RebalanceCallback | None:
        if isinstance(event, Assigned):
            return self._reading.on_assigned
        return self._reading.on_revoked if isinstance(event, Revoked) else self._reading.on_lost

    # Reading

    async def _fill(self, until_ms: int) -> None:
        """Read until something is found, or until the time; raises why the last read had no answer, if it had none."""
        failure: KafkaError | None = None
        while not self._found:
            if self._member.news:
                await self._tell_news()
                self._hold()
            readable = await self._member.await_assignment(until_ms)
            found = Found()
            try:
                if readable:
                    found = await self._read(readable, until_ms)
                    failure = None
            except KafkaError as error:
                if not may_be_repeated(error):
                    raise
                failure = error
            if found.messages:
                return
            if (left_ms := until_ms - self._runtime.now_ms()) <= 0:
                if failure is not None:
                    raise failure
                return
            await self._rest(found, left_ms, failure)

    async def _fill_in_time(self, until_ms: int) -> None:
        """Read as `_fill` does; what the member only has to wait for is told to the log."""
        with self._waiting_out():
            await self._fill(until_ms)

    @contextmanager
    def _waiting_out(self) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            if not error.retriable:
                raise
            self._log.warning("The member of the group %s waits: %s", self.group, error)

    async def _rest(self, found: Found, left_ms: int, failure: KafkaError | None) -> None:
        """Pause where asking again at once would find nothing."""
        if failure is None and not found.stalled:
            self._backoff.reset()
        else:
            await self._member.pause(min(left_ms, self._backoff.next_ms(failure)))

    async def _read(self, readable: frozenset[Partition], until_ms: int) -> Found:
        """Read once; until the answer is there the member counts as reading all of `readable`. (GROUP-049)"""
        self._hold(readable)
        found = Found(stalled=True)
        try:
            answer = await self._answer(readable, until_ms)
            if answer is not None:
                with self._member.locked() as state:
                    found = self._positions.take_records(answer.asked, answer.parts, state.assigned, state.losses)
                    self._found.extend(cast("list[M]", found.messages))
            if self._found:
                self._fetch_ahead()
        finally:
            self._hold()
        return found

    async def _answer(self, readable: frozenset[Partition], until_ms: int) -> Answer | None:
        """Return the next answer, None if nothing can be asked for, or if it does not come in time."""
        if self._ahead.is_under_way:
            return await self._ahead.take(until_ms)
        await self._look_up(readable, until_ms)
        wait_ms = max(0, min(until_ms - self._runtime.now_ms(), self._most_wait_ms))
        with self._member.locked() as state:
            asked = self._positions.ask_records(readable & state.assigned, wait_ms)
        return None if asked is None else Answer(asked, await self._broker.fetch(asked))

    def _fetch_ahead(self) -> None:
        """Fetch what is known to be there, while the caller works; who reads beside others needs that not."""
        if not self._fetches_ahead or self._stop is not None:
            return
        with self._member.locked() as state:
            readable = state.assigned
            asked = self._positions.ask_more(readable, self._most_wait_ms)
        if asked is not None:
            self._member.hold_fetched(readable)
            self._ahead.begin(asked)

    async def _look_up(self, readable: frozenset[Partition], until_ms: int) -> None:
        """Find where to begin in partitions that have no position. (GROUP-056)"""
        with self._member.locked() as state:
            losses = state.losses
            unknown = self._positions.to_look_up(readable)
        if unknown:
            query = QueryOffsets(self.group, self._positions.ask_committed(unknown))
            committed = await self._member.ask_until(lambda: self._broker.query_offsets(query), until_ms)
            with self._member.locked() as state:
                self._positions.take_committed(unknown, committed, state.still_assigned(losses))
        with self._member.locked():
            fresh = self._positions.to_start(readable)
        if fresh:
            question = self._positions.ask_start(fresh)
            starts = await self._member.ask_until(lambda: self._broker.list_offsets(question), until_ms)
            with self._member.locked() as state:
                self._positions.take_start(fresh, starts, state.still_assigned(losses))

    def _keep(self, state: Membership) -> None:
        self._positions.keep(assigned=state.assigned, owned=state.owned)

    # Committing

    def _own(self, messages: Iterable[Received]) -> list[Received]:
        chosen = list(messages)
        if any(message.origin is None or message.origin.consumer is not self._consumer for message in chosen):
            raise ValueError("only messages that this consumer has given can be committed")
        return chosen

    async def _commit(self, done: Callable[[Membership], dict[Partition, int]]) -> dict[Partition, int]:
        until_ms = self._runtime.now_ms() + self._timeout_ms
        with self._member.locked() as state:
            offsets = done(state)
            commit = Commit(state, offsets)
        if not offsets:
            return {}
        with self._tracing.committing(self.group, (one.topic for one in offsets)) as settled:
            while (asked := self._next_commit(commit)) is not None:
                outcome = await self._send(asked, until_ms)
                commit.take(asked, outcome)
                if commit.needs_heartbeat:
                    await self._member.await_heartbeat(until_ms)
            with self._member.locked():
                self._positions.note_stored(commit.stored)
            settled.done(commit.stored)
            if (failure := commit.failure()) is not None:
                raise failure
        return commit.stored

    async def _auto_commit_in_time(self) -> None:
        if self._runtime.now_ms() >= self._next_auto_commit_ms or self._has_done_what_is_given_up():
            await self._auto_commit()

    def _has_done_what_is_given_up(self) -> bool:
        """Whether there is something to commit in partitions that wait for it before they go to others."""
        with self._member.locked() as state:
            given_up = state.owned - state.assigned
            return bool(given_up) and not given_up.isdisjoint(self._positions.gone_past(self._at_work))

    async def _auto_commit(self) -> None:
        """Commit what the caller has gone past. What fails is told to the log, and tried again with the next one."""
        self._next_auto_commit_ms = self._runtime.now_ms() + self._reading.auto_commit_interval_ms
        try:
            async with self._committing:
                await self._commit(lambda _: self._positions.gone_past(self._at_work))
        except KafkaError as error:
            self._log.warning("What was read could not be committed for the group %s: %s", self.group, error)

    def _next_commit(self, commit: Commit) -> CommitOffsets | None:
        with self._member.locked():
            return commit.request()

    async def _send(self, asked: CommitOffsets, until_ms: int) -> Sequence[CommitResult] | KafkaError:
        """Commit, the same again while the answer is lost. (COMMIT-029)"""
        try:
            return await self._member.ask_until(lambda: self._broker.commit_offsets(asked), until_ms)
        except KafkaError as error:
            return error


def _owned(messages: list[Received] | None, state: Membership) -> list[Received] | None:
    return None if messages is None else [message for message in messages if _is_owned(message, state)]


def _is_owned(message: Received, state: Membership) -> bool:
    return message.origin.partition in state.owned and message.origin.losses == state.losses


def _places(partitions: Iterable[Partition]) -> list[Place]:
    return [(one.topic, one.number) for one in sorted(partitions)]


def _named(place: Place, state: Membership) -> Partition:
    for partition in state.assigned:
        if (partition.topic, partition.number) == place:
            return partition
    raise ValueError(f"{place[0]}-{place[1]} is not assigned to this consumer")
