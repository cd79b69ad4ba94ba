"""Track: a source under a name."""

from __future__ import annotations

import secrets

from livekit_utils.tracks.track_kind import TrackKind

__all__ = ["Track"]


class Track:
    """What streams are opened on: a source under a name, in this process.

    Made by `LocalAudioTrack.create_audio_track` and `LocalVideoTrack.create_video_track`. Any number of tracks may
    have one source. A track ends when its source is closed.
    """

    def __init__(self, name: str, kind: TrackKind) -> None:
        if not isinstance(name, str):
            raise TypeError(f"expected a name as a str, got {type(name).__name__}")
        self._name = name
        self._kind = kind
        self._sid = f"TR_{secrets.token_hex(6)}"
        self._muted = False

    @property
    def sid(self) -> str:
        """An identifier that no other track has."""
        return self._sid

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> TrackKind:
        return self._kind

    @property
    def muted(self) -> bool:
        return self._muted

    def mute(self) -> None:
        """From now on the track's streams get silence, or no pictures; the source's other tracks notice nothing."""
        self._muted = True

    def unmute(self) -> None:
        self._muted = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sid={self._sid!r}, name={self._name!r})"
