"""`kafka-do groups`: list, describe, reset, delete."""

from typing import Annotated

import typer
from msgspec import UNSET

from kafka_do.cli.asking import AsJson, Where, changes, looks
from kafka_do.cli.completing import complete_group, complete_topic
from kafka_do.cli.places import PLACES, place_of
from kafka_do.cli.printing import ask, print_json, print_rows, tell
from kafka_do.core.messages import GroupDescription, GroupMember, GroupOffset

__all__ = ["app"]

app = typer.Typer(help="List, describe, reset and delete consumer groups.", no_args_is_help=True, add_completion=False)

Group = Annotated[str, typer.Argument(metavar="GROUP", autocompletion=complete_group, show_default=False)]


@app.command("list")
@looks
def list_groups(where: Where, *, as_json: AsJson = False) -> None:
    """List groups: id, state, number of members."""
    with where.client() as client:
        groups = client.admin().list_groups()
    if as_json:
        print_json(*groups)
    else:
        print_rows(("group", "state", "members"), [(one.group, one.state, one.member_count) for one in groups])


@app.command()
@looks
def describe(where: Where, group: Group, *, as_json: AsJson = False) -> None:
    """Describe a group: its lag in each partition, and who reads it."""
    with where.client() as client:
        found = client.admin().describe_group(group)
    if as_json:
        print_json(found)
        return
    readers = _readers(found)
    rows = [
        (one.topic, one.partition, *_numbers(one), readers.get((one.topic, one.partition))) for one in found.offsets
    ]
    print_rows(("topic", "partition", "committed", "high watermark", "lag", "member"), rows)
    tell(f"{found.group} is {found.state}, has {len(found.members)} members, and its lag is {found.total_lag}")


@app.command()
@changes
def reset(
    where: Where,
    group: Group,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", autocompletion=complete_topic, show_default=False)],
    *,
    to: Annotated[str, typer.Option(metavar="PLACE", help=f"Where to go on: {PLACES}.", show_default=False)],
    partition: Annotated[
        list[int], typer.Option("--partition", "-p", min=0, help="One partition, not all; may be repeated.")
    ] = [],  # noqa: B006  typer takes the default as it stands
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show where that is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a group without members go on elsewhere in a topic."""
    place = place_of(to)
    with where.client() as client:
        offsets = client.admin().reset_offsets(group, topic, place, partitions=partition or None, dry_run=dry_run)
    if as_json:
        print_json(*({"topic": topic, "partition": one, "offset": offset} for one, offset in offsets.items()))
    else:
        print_rows(("topic", "partition", "offset"), [(topic, one, offset) for one, offset in offsets.items()])
    if dry_run:
        tell("nothing was changed")


@app.command()
@changes
def delete(
    where: Where,
    groups: Annotated[list[str], typer.Argument(metavar="GROUP...", autocompletion=complete_group)],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is lost.")] = False,
) -> None:
    """Delete groups without members, and what they have committed."""
    ask(f"delete {', '.join(groups)} with what was committed?", is_answered=yes)
    with where.client() as client:
        for group in groups:
            client.admin().delete_group(group)
            tell(f"deleted {group}")


def _readers(found: GroupDescription) -> dict[tuple[str, int], str]:
    return {
        (part.topic, number): _name(member)
        for member in found.members
        for part in member.assignment
        for number in part.partitions
    }


def _name(member: GroupMember) -> str:
    return member.member if member.instance_id is None else member.instance_id


def _numbers(one: GroupOffset) -> tuple[object, ...]:
    return tuple(None if number is UNSET else number for number in (one.committed_offset, one.high_watermark, one.lag))
