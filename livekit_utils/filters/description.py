"""Descriptions for filter plugins: options, stream and credentials, as JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from livekit_utils._runtime.arguments import check_type
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.sdk_class import class_beside_sdk

__all__ = ["AudioStreamInfo", "NoiseCancellationOptions"]


@public
@dataclass
class NoiseCancellationOptions:
    """Names the loaded filter that a stream uses, and its options.

    Example:
        >>> NoiseCancellationOptions("gain", {"gain": 0.5})
        NoiseCancellationOptions(module_id='gain', options={'gain': 0.5})
    """

    module_id: str
    """The id under which an `AudioFilter` was loaded."""
    options: dict[str, Any]
    """Options for the plugin, passed when the stream's session is created; JSON must be able to express them."""

    @property  # type: ignore[misc]
    def __class__(self) -> type[NoiseCancellationOptions]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """This class; beside the LiveKit SDK one that is a class of the SDK as well, for `isinstance`."""
        return class_beside_sdk(type(self), "livekit.rtc.audio_stream", "NoiseCancellationOptions")

    def __reduce__(self) -> tuple[Any, ...]:
        return object.__new__, (type(self),), self.__dict__


def plugin_json(value: object, name: str) -> str:
    """Returns compact JSON that UTF-8 can express.

    Raises:
        TypeError: A value of a type that JSON does not have.
        ValueError: A NaN, an infinity, half a surrogate pair, a circle, or too deep a nesting.
    """
    import json

    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        text.encode("utf-8")
    except TypeError as error:
        raise TypeError(f"{name}: expected what JSON can express, got: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: expected what JSON can express, got: {error}") from None
    return text


def options_json(options: dict[str, Any] | None) -> str:
    """Returns options as JSON for a plugin."""
    if options is not None:
        check_type("options", options, dict)
    return plugin_json(options or {}, "options")


def credentials_json(url: str, token: str) -> str:
    """Returns credentials as JSON for a plugin."""
    return plugin_json({"url": url, "token": token}, "credentials")


@public
@dataclass(frozen=True)
class AudioStreamInfo:
    """Describes a stream to the filter plugin that filters it; a field is empty if it is not known.

    Raises:
        TypeError: A field that is not a str.
        ValueError: Text that is not valid Unicode.

    Example:
        >>> AudioStreamInfo(room_name="night train").to_json()
        '{"url":"","roomId":"","roomName":"night train","participantIdentity":"","participantId":"","trackId":""}'
    """

    url: str = ""
    """Address of the server."""
    room_id: str = ""
    """The room, as the server calls it."""
    room_name: str = ""
    """The room, as people call it."""
    participant_identity: str = ""
    """Who speaks."""
    participant_id: str = ""
    """Who speaks, as the server calls them."""
    track_id: str = ""
    """The track, as the server calls it."""

    def __post_init__(self) -> None:
        for field in fields(self):
            check_type(field.name, getattr(self, field.name), str)
        self.to_json()

    def to_json(self) -> str:
        """Returns the JSON that plugins get."""
        return plugin_json(
            {
                "url": self.url,
                "roomId": self.room_id,
                "roomName": self.room_name,
                "participantIdentity": self.participant_identity,
                "participantId": self.participant_id,
                "trackId": self.track_id,
            },
            "stream_info",
        )
