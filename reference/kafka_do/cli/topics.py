"""`kafka-do topics`: list, create, describe, alter, delete, delete-records."""

from typing import Annotated

import typer

from kafka_do.cli.asking import AsJson, Where, changes, looks
from kafka_do.cli.completing import complete_topic
from kafka_do.cli.places import pairs_of
from kafka_do.cli.printing import ask, print_json, print_rows, tell
from kafka_do.core.messages import TopicDescription
from kafka_do.errors import TopicAlreadyExistsError

__all__ = ["app"]

app = typer.Typer(help="List, create, describe, alter and delete topics.", no_args_is_help=True, add_completion=False)

Topic = Annotated[str, typer.Argument(metavar="TOPIC", autocompletion=complete_topic, show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is lost.")]
Config = Annotated[
    list[str], typer.Option(metavar="NAME=VALUE", help="A config, as retention.ms=86400000; may be repeated.")
]


@app.command("list")
@looks
def list_topics(where: Where, *, as_json: AsJson = False) -> None:
    """List topics: name, number of partitions."""
    with where.client() as client:
        topics = client.admin().list_topics()
    if as_json:
        print_json(*topics)
    else:
        print_rows(("topic", "partitions"), [(one.topic, one.partition_count) for one in topics])


@app.command()
@changes
def create(
    where: Where,
    topic: Topic,
    *,
    partitions: Annotated[int, typer.Option("--partitions", "-p", min=1, help="How many partitions it has.")] = 1,
    config: Config = [],  # noqa: B006  typer takes the default as it stands
    if_not_exists: Annotated[bool, typer.Option("--if-not-exists", help="Leave one that is there as it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create a topic."""
    configs = dict(pairs_of(config, "--config"))
    with where.client() as client:
        try:
            made = client.admin().create_topic(topic, partitions=partitions, configs=configs)
        except TopicAlreadyExistsError:
            if not if_not_exists:
                raise
            tell(f"{topic} is there already")
            return
    if as_json:
        print_json(made)
    tell(f"created {made.topic}, partitions: {made.partition_count}")


@app.command()
@looks
def describe(where: Where, topic: Topic, *, as_json: AsJson = False) -> None:
    """Describe a topic: where each partition begins and ends, and its configs."""
    with where.client() as client:
        found = client.admin().describe_topic(topic)
    _show(found, as_json=as_json)


@app.command()
@changes
def alter(
    where: Where,
    topic: Topic,
    *,
    partitions: Annotated[int | None, typer.Option("--partitions", "-p", min=1, help="How many it shall have.")] = None,
    config: Config = [],  # noqa: B006
    unset: Annotated[list[str], typer.Option(metavar="NAME", help="Let a config have its default.")] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Give a topic more partitions, or other configs."""
    configs: dict[str, str | None] = {**dict(pairs_of(config, "--config")), **dict.fromkeys(unset)}
    if (partitions is None) == (not configs):
        raise ValueError("give either --partitions or --config and --unset")
    with where.client() as client:
        found = client.admin().alter_topic(topic, partitions=partitions, configs=configs or None)
    if as_json:
        print_json(found)
    tell(f"altered {topic}")


@app.command()
@changes
def delete(
    where: Where,
    topics: Annotated[list[str], typer.Argument(metavar="TOPIC...", autocompletion=complete_topic)],
    *,
    yes: Yes = False,
) -> None:
    """Delete topics with everything in them."""
    ask(f"delete {', '.join(topics)} with everything in it?", is_answered=yes)
    with where.client() as client:
        for topic in topics:
            client.admin().delete_topic(topic)
            tell(f"deleted {topic}")


@app.command("delete-records")
@changes
def delete_records(
    where: Where,
    topic: Topic,
    before: Annotated[
        list[str], typer.Argument(metavar="PARTITION=OFFSET...", help="The first that stays; `latest` deletes all.")
    ],
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete the first records of partitions."""
    places = {int(number): None if offset == "latest" else int(offset) for number, offset in _numbered(before)}
    ask(f"delete the first records of {topic}?", is_answered=yes)
    with where.client() as client:
        starts = client.admin().delete_records(topic, places)
    if as_json:
        print_json(*({"partition": number, "log_start_offset": start} for number, start in starts.items()))
    else:
        print_rows(("partition", "log start offset"), list(starts.items()))


def _numbered(given: list[str]) -> list[tuple[str, str]]:
    pairs = pairs_of(given, "PARTITION=OFFSET")
    for number, offset in pairs:
        if not number.isdecimal() or not (offset.isdecimal() or offset == "latest"):
            raise ValueError(f"PARTITION=OFFSET is two numbers, or a number and latest, unlike {number}={offset}")
    return pairs


def _show(found: TopicDescription, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (one.partition, one.log_start_offset, one.high_watermark, one.high_watermark - one.log_start_offset)
        for one in found.partitions
    ]
    print_rows(("partition", "log start offset", "high watermark", "offsets"), rows)
    print_rows(("config", "value"), sorted(found.configs.items()))
