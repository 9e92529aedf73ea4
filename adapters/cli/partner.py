"""`relato partner`: partners' Kafka topics, each with a user of its own. Its password is printed once, and not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from adapters.cli.installation import deployment_of
from adapters.cli.terminal import note, print_line, print_rows
from streams.topics import inbound_topic, partner_topic

if TYPE_CHECKING:
    from adapters.cli.installation import OpenedTopic

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Partners' Kafka topics: one carries a feed to its partner alone, another takes what the partner sends us.",
)
COLUMNS = ("name", "topic", "agreement_id", "sent", "behind", "opened_at", "opened_by")
Name = Annotated[str, typer.Argument(help="Of the topic and its user, like olaria.")]


@app.command()
def add(
    ctx: typer.Context,
    name: Name,
    *,
    agreement: Annotated[UUID, typer.Option(metavar="ID", help="Whose feed the topic carries.")],
    rotate: Annotated[bool, typer.Option("--rotate", help="Make another password; the old one opens no more.")] = False,
    read_bytes: Annotated[int, typer.Option(min=1, help="So many a second the partner may read.")] = 4 * 1024 * 1024,
    write_bytes: Annotated[int, typer.Option(min=1, help="So many a second it may write.")] = 1024 * 1024,
    requests: Annotated[int, typer.Option(min=1, help="Percent of one thread of a broker that it may take.")] = 25,
) -> None:
    """Open a partner's topics, and print its clients' settings with a password. It may be given again.

        relato partner add olaria --agreement AGREEMENT > olaria.properties

    What was interrupted it brings to an end; without --rotate a password that was made already stays as it is.
    """
    deployment = deployment_of(ctx, "operates")
    from adapters.kafka.partners import Limits  # noqa: PLC0415 loads Kafka's client

    limits = Limits(read_bytes, write_bytes, requests)
    _tell(deployment.add_partner_topic(name, agreement, limits, rotate=rotate))


@app.command()
def remove(
    ctx: typer.Context,
    name: Name,
    *,
    with_topics: Annotated[bool, typer.Option("--with-topics", help="And delete the topics with all records.")] = False,
) -> None:
    """Take a partner's user away with all that it may do; nothing more is sent to its topic. It may be given again.

    relato partner remove olaria
    """
    deployment_of(ctx, "operates").remove_partner_topic(name, with_topics=with_topics)
    kept = "are deleted" if with_topics else "stay; --with-topics deletes them"
    print_line(f"{name} may do nothing more; {partner_topic(name).name} and {inbound_topic(name).name} {kept}")


@app.command("list")
def list_(
    ctx: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="A JSON object on each line.")] = False
) -> None:
    """The open topics, which agreement's feed each carries, and how far it has come.

    relato partner list
    """
    with deployment_of(ctx, "operates").open() as installation:
        found = installation.partner_topics.list()
    rows = [
        (one.binding.name, partner_topic(one.binding.name).name, one.binding.feed, one.sent, one.head - one.sent,
         one.opened_at, one.opened_by)
        for one in found
    ]  # fmt: skip
    print_rows(COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in rows], as_json=as_json)


def _tell(opened: OpenedTopic) -> None:
    print_line(f"# read from {opened.topic}, write to {opened.inbound}")
    for key, value in opened.settings.items():
        print_line(f"{key}={value}")
    if opened.password is None:
        note("the user was there already; its password is not shown again, --rotate makes another")
        return
    print_line(f"sasl.password={opened.password}")
    note("keep the password, it is not shown again")
    if not opened.is_checked:
        note("where partners come in could not be reached from here, so what they see there was not checked")
