"""AudioStreamInfo: what a filter plugin is told about the stream it filters."""

from __future__ import annotations

from dataclasses import dataclass, fields

from livekit_utils.filters.plugin_json import plugin_json

__all__ = ["AudioStreamInfo"]


@dataclass(frozen=True)
class AudioStreamInfo:
    """What a filter plugin is told about the stream it filters; empty where unknown.

    Raises:
        TypeError: Something that is no str.
        ValueError: Text that is no valid Unicode.

    Example:
        >>> AudioStreamInfo(room_name="night train").to_json()
        '{"url":"","roomId":"","roomName":"night train","participantIdentity":"","participantId":"","trackId":""}'
    """

    url: str = ""
    room_id: str = ""
    room_name: str = ""
    participant_identity: str = ""
    participant_id: str = ""
    track_id: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str):
                raise TypeError(f"expected {field.name} as a str, got {type(value).__name__}")
        self.to_json()

    def to_json(self) -> str:
        """The JSON that plugins get."""
        return plugin_json(
            {
                "url": self.url,
                "roomId": self.room_id,
                "roomName": self.room_name,
                "participantIdentity": self.participant_identity,
                "participantId": self.participant_id,
                "trackId": self.track_id,
            },
            "a stream info",
        )
