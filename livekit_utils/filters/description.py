"""AudioStreamInfo: what a filter plugin is told about the stream it filters."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from livekit_utils._runtime.public_path import public

__all__ = ["AudioStreamInfo", "NoiseCancellationOptions"]


@public
@dataclass
class NoiseCancellationOptions:
    """Which loaded filter a stream is to use, and how.

    Example:
        >>> NoiseCancellationOptions("gain", {"gain": 0.5})
        NoiseCancellationOptions(module_id='gain', options={'gain': 0.5})
    """

    module_id: str
    """The id under which an `AudioFilter` was loaded."""
    options: dict[str, Any]
    """What the plugin is told when the stream's session is created; anything that JSON can express."""


def plugin_json(value: object, what: str) -> str:
    """Compact JSON that UTF-8 can express.

    Raises:
        TypeError: Something in it is of a type that JSON does not have.
        ValueError: A NaN, an infinity, half a surrogate pair, a circle, or too deep a nesting.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        text.encode("utf-8")
    except TypeError as error:
        raise TypeError(f"expected {what} that JSON can express: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected {what} that JSON can express: {error}") from None
    return text


def options_json(options: dict[str, Any] | None) -> str:
    if options is not None and not isinstance(options, dict):
        raise TypeError(f"expected options as a dict, got {type(options).__name__}")
    return plugin_json(options or {}, "options")


def credentials_json(url: str, token: str) -> str:
    return plugin_json({"url": url, "token": token}, "credentials")


@public
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
