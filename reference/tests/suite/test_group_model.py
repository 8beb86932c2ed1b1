"""The exploration of groups finds nothing wrong with the rules, and the defect of each rule that is left out."""

import pytest

from kafka_do_conformance.models.exploring import Faulty
from kafka_do_conformance.models.group import Rules
from kafka_do_conformance.models.group_space import FREEDOMS, SMALL, GroupWorld, explore_group

_MANY = 150_000
_BEYOND_THE_SPECIFICATION = {"getting_raises_epoch", "clients_watch_the_clock"}

_FAULTS = {
    "lost_answers_are_forgiven": ("prompt", "one answer may be lost"),
    "lost_answers_confirm_nothing": ("repeated, raising", "one reader among members"),
    "joining_again_confirms_nothing": ("repeated, raising", "one reader among members"),
    "waits_for_giving_up": ("prompt", "one holder"),
    "refuses_stale_epochs": ("repeated, raising", "one reader among members"),
    "refused_changes_nothing": ("repeated, raising", "one reader among members"),
    "refuses_unknown_members": ("prompt", "one reader among members"),
    "timeout_removes": ("prompt", "one reader among members"),
    "taken_over_is_gone": ("static", "one holder"),
    "gone_shares_anew": ("watched", "can settle"),
    "commits_need_the_epoch": ("commits", "no zombie commits"),
    "commits_need_the_partition_since": ("commits", "no zombie commits"),
    "epochs_go_on": ("commits", "no zombie commits"),
    "clients_list_what_they_read": ("prompt", "one reader among members"),
    "clients_stop_when_refused": ("prompt", "one reader among members"),
}


@pytest.mark.parametrize("name", ["prompt", "watched", "static", "repeated, raising"])
def test_no_state_breaks_a_promise_and_every_one_can_settle(name: str) -> None:
    found, _ = explore_group(SMALL[name])
    assert found.states > 300
    assert 0 < found.settled < found.states


@pytest.mark.parametrize("rule", _FAULTS)
def test_a_rule_that_is_left_out_is_missed(rule: str) -> None:
    name, promise = _FAULTS[rule]
    with pytest.raises(Faulty) as found:
        explore_group(_without(rule, SMALL[name]), most=_MANY)
    assert found.value.fault == promise
    assert len(found.value.way) > 1


@pytest.mark.parametrize("rule", FREEDOMS)
def test_what_a_server_may_leave_out_is_not_missed(rule: str) -> None:
    explore_group(_without(rule, SMALL["prompt"]), most=_MANY)


def test_every_rule_is_left_out_once() -> None:
    assert {*_FAULTS, *FREEDOMS, *_BEYOND_THE_SPECIFICATION} == set(Rules._fields)


def test_one_reader_needs_clients_that_watch_the_clock_or_servers_that_do_not_remove_them() -> None:
    world = SMALL["watched"]
    with pytest.raises(Faulty, match="one reader"):
        explore_group(world._replace(rules=Rules()), most=_MANY)


def test_a_heartbeat_that_comes_twice_can_give_away_what_is_read() -> None:
    world = SMALL["repeated, raising"]
    with pytest.raises(Faulty, match="one reader among members"):
        explore_group(world._replace(rules=Rules()), most=_MANY)


def _without(rule: str, world: GroupWorld) -> GroupWorld:
    return world._replace(rules=world.rules._replace(**{rule: False}))
