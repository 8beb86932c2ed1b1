"""Base classes of the generated messages: strict in, open out."""

import msgspec


class Message(msgspec.Struct, omit_defaults=True):
    """A message that a server answers: unknown members are ignored (CONV-011), members at their default left out."""


class ClosedMessage(Message, forbid_unknown_fields=True):
    """A message that a server is sent: an unknown member is a fault (CONV-005)."""
