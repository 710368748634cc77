"""What may be posted to /v1/events. An event is one line of JSON in a segment and, if it is a play, a row of the next
night's logs."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from pipeline.identity.tokens import token_of

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00]*\S[^\x00]*$", max_length=512)]
ListenerId = Annotated[str, StringConstraints(pattern=r"^[^\x00]*\S[^\x00]*$", max_length=256)]
MAX_EVENTS = 500


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    event_id: Id
    """Chosen by the sender. An event that is sent again, because its answer was lost, keeps it."""
    at: AwareDatetime
    """When it happened: ISO 8601 with Z or an offset."""
    listener_id: ListenerId
    impression_id: Id | None = None
    """The answer that it came from."""

    def line(self, key: bytes) -> bytes:
        """Return the event as one line of JSON, the listener as a token under a key."""
        token, at = token_of(self.listener_id, key), self.at.astimezone(dt.UTC)
        named = self.model_copy(update={"listener_id": token, "at": at})
        return named.model_dump_json(exclude_none=True).encode() + b"\n"


class Play(_Event):
    """A play."""

    kind: Literal["play"]
    artist_name: Name
    track_name: Name
    artist_id: Name | None = None
    track_id: Name | None = None
    ms_played: Annotated[int, Field(ge=0, le=7 * 86_400_000)] | None = None
    """Duration [ms]; absent if it is unknown."""


class Feedback(_Event):
    """What a listener says of an item."""

    kind: Literal["feedback"]
    item_id: Name
    value: Literal["like", "dislike", "skip", "hide"]


class Seen(_Event):
    """An answer that was shown: the server records what it answers, the client alone knows what a person saw."""

    kind: Literal["impression"]
    impression_id: Id


class Events(BaseModel):
    """The body of POST /v1/events."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    events: Annotated[
        list[Annotated[Play | Feedback | Seen, Field(discriminator="kind")]], Field(min_length=1, max_length=MAX_EVENTS)
    ]


class NewcomerRequest(BaseModel):
    """The body of POST /v1/recommendations."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    items: Annotated[list[Annotated[str, StringConstraints(max_length=512)]], Field(min_length=1, max_length=20)]
    """Ids or names; three are enough."""
    k: Annotated[int, Field(ge=1, le=1000)] = 20
