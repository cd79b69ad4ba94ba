"""RoomLink: lets a track of the LiveKit SDK tell a stream of this package which room it is in."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

from livekit_utils.filters.description import AudioStreamInfo


class Told(Protocol):
    """A stream that has a processor or a filter."""

    def update_stream_info(self, info: AudioStreamInfo | None) -> None: ...
    def update_credentials(self, *, token: str, url: str) -> None: ...
    def clear_credentials(self) -> None: ...


class RoomLink:
    """Stands on a track of the SDK for one of the SDK's streams with a processor, and passes on what it is told.

    The track tells its streams when it comes into a room, when it leaves it, and when the room's access token is
    renewed. SDK 1.0.x tells nothing. The link keeps the stream not alive, nor does the track the link.
    """

    def __init__(self, track: Any, stream: Told) -> None:
        self._stream = weakref.ref(stream)
        self._track = track
        self._processor = self  # where the track looks for the methods below
        register = getattr(track, "_register_audio_stream", None)
        if register is not None:
            register(self)

    def close(self) -> None:
        """Ends the messages of the track."""
        unregister = getattr(self._track, "_unregister_audio_stream", None)
        if unregister is not None:
            unregister(self)

    # -- called by the track ------------------------------------------------------------------------------------------

    def _on_stream_info_updated(self, *, room_name: str, participant_identity: str, publication_sid: str) -> None:
        stream = self._stream()
        if stream is not None:
            stream.update_stream_info(
                AudioStreamInfo(
                    room_name=room_name, participant_identity=participant_identity, track_id=publication_sid
                )
            )

    def _on_stream_info_cleared(self) -> None:
        stream = self._stream()
        if stream is not None:
            stream.update_stream_info(None)

    def _on_credentials_updated(self, *, token: str, url: str) -> None:
        stream = self._stream()
        if stream is not None:
            stream.update_credentials(token=token, url=url)

    def _on_credentials_cleared(self) -> None:
        stream = self._stream()
        if stream is not None:
            stream.clear_credentials()
