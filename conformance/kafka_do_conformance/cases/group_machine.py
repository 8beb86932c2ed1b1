"""Groups along every transition of the model, and at random beside it."""

import os

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kafka_do_conformance.case import server_case
from kafka_do_conformance.group_play import GroupPlay, PlayedClient
from kafka_do_conformance.models.group_walks import WALKED, Step, read_walks
from kafka_do_conformance.models.group_watch import OK
from kafka_do_conformance.session import ServerSession

_PAIR, _TRIO = WALKED
_TIMED = {"session over", "cast out"}
_BEATS = {"exchange", "be taken in", "lose"}
_EXAMPLES = os.environ.get("GROUP_EXAMPLES", "")
_FEW_EXAMPLES = 25
_STEPS = 30
_CLIENTS = 4
_STATIC = 2
_PARTITIONS = 3


@server_case(
    title="A group goes every way on that its table has, and settles",
    requirements=[
        "GROUP-004", "GROUP-007", "GROUP-014", "GROUP-015", "GROUP-016", "GROUP-017", "GROUP-025", "GROUP-026",
        "GROUP-027", "GROUP-028", "GROUP-029", "GROUP-030", "GROUP-043",
    ],
    hint="The exchanges before the failure are one walk; spec/machines/group_member.yaml says what each step does.",
)  # fmt: skip
def walks_of_a_group(server: ServerSession) -> None:
    """Walk with two clients along every transition that needs no clock."""
    for walk in read_walks(_PAIR):
        if not _has_removals(walk):
            _walk(server, walk, _PAIR)


@server_case(
    title="A group with a static member goes every way on that its table has, and settles",
    requirements=["GROUP-035", "GROUP-036", "GROUP-037", "GROUP-038", "GROUP-014", "GROUP-017"],
    hint="The exchanges before the failure are one walk; spec/machines/group_member.yaml says what each step does.",
)
def walks_of_a_group_with_a_static_member(server: ServerSession) -> None:
    """Walk with two who share an instance id, and a third, along every transition that needs no clock."""
    for walk in read_walks(_TRIO):
        if not _has_removals(walk):
            _walk(server, walk, _TRIO)


@server_case(
    title="A group whose members run out of time goes every way on that its table has, and settles",
    requirements=["GROUP-032", "GROUP-040", "GROUP-017"],
    hint="The exchanges before the failure are one walk; its last member is removed when the clock is set ahead.",
)
def walks_against_time(server: ServerSession) -> None:
    """Walk along every transition in which the time of one member is over."""
    for name in WALKED:
        for walk in read_walks(name):
            if _has_removals(walk):
                _walk(server, walk, name)


_clients = st.integers(0, _CLIENTS - 1)
_partitions = st.integers(0, _PARTITIONS - 1)
_owned = st.sets(_partitions)
_epochs = st.integers(-3, 2)  # above the member's own


class _Machine(RuleBasedStateMachine):
    """Lets clients of a group do right and wrong; `GroupPlay` knows what the server may answer."""

    _server: ServerSession

    @initialize()
    def begin(self) -> None:
        """Begin with a group of its own, of which two clients are static."""
        self._play = GroupPlay(self._server, clients=_CLIENTS, static=_STATIC, partitions=_PARTITIONS)
        self._committed: dict[int, int] = {}
        self._said: list[tuple[PlayedClient, str, int, set[int]]] = []
        self._count = 0

    @rule(client=_clients)
    def go_on(self, client: int) -> None:
        """Send what an honest client sends."""
        self._say(client)
        self._play.go_on(self._play.clients[client])

    @rule(client=_clients)
    def go_on_in_vain(self, client: int) -> None:
        """Send what an honest client sends; the answer is lost."""
        self._say(client)
        self._play.go_on(self._play.clients[client], is_heard=False)

    @rule(client=_clients)
    def let_go(self, client: int) -> None:
        """Let a client stop reading what it may not read any more, and say so."""
        self._play.clients[client].let_go()
        self.go_on(client)

    @rule(place=st.integers(1, 6))
    def repeat(self, place: int) -> None:
        """Let one of the last heartbeats arrive again."""
        if len(self._said) >= place:
            client, ident, epoch, owned = self._said[-place]
            if client.ident == ident:
                self._play.heartbeat(client, epoch, owned, is_heard=False)

    @rule(client=_clients, above=_epochs, owned=_owned)
    def invent(self, client: int, above: int, owned: set[int]) -> None:
        """Send an epoch and what is owned as nobody has heard them."""
        chosen = self._play.clients[client]
        epoch = self._epoch(chosen) + above
        if epoch > 0:
            self._play.heartbeat(chosen, epoch, owned, is_heard=False)

    @rule(client=_clients)
    def stop(self, client: int) -> None:
        """Let a client forget that it is in the group."""
        self._play.clients[client].forget()

    @rule(client=_clients)
    def leave(self, client: int) -> None:
        """Leave; another process takes the client's place."""
        self._play.leave(self._play.clients[client])
        self._play.clients[client].begin()

    @rule(client=st.integers(0, _STATIC - 1))
    def pause(self, client: int) -> None:
        """Leave for a time."""
        self._play.pause(self._play.clients[client])

    @rule(client=_clients, above=_epochs, partition=_partitions)
    def commit(self, client: int, above: int, partition: int) -> None:
        """Commit at the member's epoch or another one."""
        chosen = self._play.clients[client]
        epoch = self._epoch(chosen) + above
        if epoch > 0:
            self._count += 1
            if self._play.commit(chosen, epoch, partition, self._count) == OK:
                self._committed[partition] = self._count
            self._play.committed(partition, self._committed.get(partition))

    def teardown(self) -> None:
        """See that the group settles."""
        if hasattr(self, "_play"):
            self._play.settle()

    def _say(self, client: int) -> None:
        """Write down what will be sent, to be sent again."""
        chosen = self._play.clients[client]
        self._said.append((chosen, chosen.ident, chosen.epoch, set(chosen.reads)))

    def _epoch(self, client: PlayedClient) -> int:
        member = self._play.watched.members.get(client.ident)
        return member.epoch if member else client.epoch


@server_case(
    title="Whatever clients of a group send, nothing is in two hands or lost, no zombie commits, and it settles",
    requirements=[
        "GROUP-007", "GROUP-014", "GROUP-015", "GROUP-017", "GROUP-025", "GROUP-026", "GROUP-027", "GROUP-028",
        "GROUP-035", "GROUP-037", "GROUP-038", "GROUP-061", "COMMIT-008", "COMMIT-009", "COMMIT-010", "COMMIT-012",
    ],
    hint="The failing sequence of requests is as short as it can be made; the model is models/group_watch.py.",
)  # fmt: skip
def groups_at_random(server: ServerSession) -> None:
    """Let Hypothesis choose what is sent, the same in every run unless GROUP_EXAMPLES asks for more."""
    run_state_machine_as_test(
        type("Machine", (_Machine,), {"_server": server}),
        settings=settings(
            max_examples=int(_EXAMPLES or _FEW_EXAMPLES),
            stateful_step_count=_STEPS,
            derandomize=not _EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            report_multiple_bugs=False,
        ),
    )


def _has_removals(walk: list[Step]) -> bool:
    return any(step.kind in _TIMED for step in walk)


def _walk(server: ServerSession, walk: list[Step], name: str) -> None:
    bounds = WALKED[name]
    play = GroupPlay(
        server, clients=bounds.members, static=_STATIC if bounds.static else 0, partitions=bounds.partitions
    )
    timeouts = _timeouts(server, walk) if _has_removals(walk) else [None] * len(walk)
    for step, timeout_ms in zip(walk, timeouts, strict=True):
        play.clients[step.client].session_timeout_ms = timeout_ms
        _take_step(play, play.clients[step.client], step)
    for client in play.clients:
        if member := play.watched.members.get(client.ident):
            play.heartbeat(client, member.epoch + 1, set(), is_heard=False)
    play.settle()


def _timeouts(server: ServerSession, walk: list[Step]) -> list[int | None]:
    """Return the session timeout to wish for at each step: who is removed has a short one, who is not the longest."""
    least, most = server.limit("min_session_timeout_ms"), server.limit("max_session_timeout_ms")
    found: list[int | None] = []
    ends: dict[int, int] = {}
    count = sum(step.kind in _TIMED for step in walk)
    for step in reversed(walk):
        if step.kind in _TIMED:
            ends[step.client] = least * count
            count -= 1
        found.append(ends.get(step.client, most))
        if step.kind in _BEATS:
            ends.pop(step.client, None)
    return found[::-1]


def _take_step(play: GroupPlay, client: PlayedClient, step: Step) -> None:
    if step.kind in _BEATS:
        play.go_on(client, is_heard=step.kind != "lose")
    elif step.kind == "let go":
        client.let_go()
    elif step.kind == "stop":
        client.forget()
    elif step.kind == "restart":
        client.begin()
    elif step.kind == "end":
        play.leave(client) if step.request == "leave" else play.pause(client)
    elif step.kind in _TIMED and client.ident in play.watched.members:
        play.time_is_over(client)
