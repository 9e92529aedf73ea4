"""What is said and written between the customers and the company, and what is noted about it."""

from __future__ import annotations

from adapters.simulation import words
from adapters.simulation.world import Customer, Story, World
from domain.interaction.commands import CorrectInteraction, LogInteraction, TakeNote
from domain.interaction.facts import Channel, Direction, InteractionId, NoteKind

CHANNELS = tuple(
    channel
    for channel, often in (
        *((Channel.EMAIL, 9), (Channel.TELEPHONE, 6), (Channel.WEBSITE, 5), (Channel.CHAT, 3), (Channel.SOCIAL, 2)),
        *((Channel.INSTANT_MESSAGE, 2), (Channel.VISIT, 2), (Channel.CHECKOUT, 2), (Channel.SURVEY, 1)),
        *((Channel.LETTER, 1), (Channel.OTHER, 1)),
    )
    for _ in range(often)
)
ONE_SIDED = {Channel.WEBSITE, Channel.CHECKOUT, Channel.SURVEY}
TOPICS = ("price", "availability", "delivery", "returns", "invitation", "complaint", "thanks")
NOTE_SHARE = 0.15


def talk(world: World, customer: Customer) -> Story:
    """One interaction, or one note."""
    if world.chance(NOTE_SHARE):
        kind, content = world.rng.choice(tuple(NoteKind)), words.note(world.rng, customer.name)
        note_id = InteractionId(world.new_id())
        yield TakeNote(interaction_id=note_id, customer_id=customer.id, kind=kind, content=content)
    else:
        yield _log(world, customer)


def _log(world: World, customer: Customer) -> LogInteraction:
    channel = world.rng.choice(CHANNELS)
    inbound = channel in ONE_SIDED or world.chance(0.55)
    return LogInteraction(
        interaction_id=InteractionId(world.new_id()),
        customer_id=customer.id,
        channel=channel,
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        content=words.remark(world.rng, customer.name, world.some_product().name),
        topic=world.rng.choice(TOPICS),
        employee_id=None if channel in ONE_SIDED else customer.seller_id,
        duration_s=world.rng.randint(30, 1800) if channel is Channel.TELEPHONE else None,
        about_id=world.rng.choice(customer.recent) if customer.recent and world.chance(0.5) else None,
    )


def misremember(world: World, customer: Customer) -> Story:
    """What was noted of a talk is put right."""
    yield (logged := _log(world, customer))
    yield world.later(0.1, 3)
    yield CorrectInteraction(interaction_id=logged.interaction_id, content=f"{logged.content} (It was the other one.)")


def meet(world: World, customer: Customer) -> Story:
    """A visit with long minutes."""
    yield LogInteraction(
        interaction_id=InteractionId(world.new_id()),
        customer_id=customer.id,
        channel=Channel.VISIT,
        direction=Direction.OUTBOUND,
        content=words.minutes(customer.name),
        topic="yearly talk",
        employee_id=customer.seller_id,
        duration_s=3600 * world.rng.randint(1, 4),
    )


def greet(world: World, customer: Customer) -> LogInteraction:
    """The season's greetings."""
    return LogInteraction(
        interaction_id=InteractionId(world.new_id()),
        customer_id=customer.id,
        channel=Channel.EMAIL,
        direction=Direction.OUTBOUND,
        content=f"Boas festas, {customer.name}!",
        topic="season's greetings",
        employee_id=customer.seller_id,
    )


STORIES = ((misremember, 2), (meet, 1))
"""What else is said, and how often among the stories of a deck."""
