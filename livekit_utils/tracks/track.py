"""Track: a source under a name."""

from __future__ import annotations

import secrets
from enum import IntEnum

from livekit_utils._runtime.public_path import public
from livekit_utils.tracks.audio_source import AudioSource
from livekit_utils.tracks.video_source import VideoSource

__all__ = ["LocalAudioTrack", "LocalVideoTrack", "Track", "TrackKind"]


@public
class TrackKind(IntEnum):
    """What a track carries. Names and numbers are the LiveKit SDK's."""

    KIND_UNKNOWN = 0
    KIND_AUDIO = 1
    KIND_VIDEO = 2


@public
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


@public
class LocalAudioTrack(Track):
    """An `AudioSource` under a name: what `AudioStream` reads.

    Example:
        >>> track = LocalAudioTrack.create_audio_track("voice", AudioSource(48000, 1))
        >>> track.name, track.kind.name
        ('voice', 'KIND_AUDIO')
    """

    def __init__(self, name: str, source: AudioSource) -> None:
        if not isinstance(source, AudioSource):
            raise TypeError(f"expected an AudioSource of livekit_utils, got {type(source).__name__}")
        super().__init__(name, TrackKind.KIND_AUDIO)
        self._source = source

    @staticmethod
    def create_audio_track(name: str, source: AudioSource) -> LocalAudioTrack:
        """A track of this source.

        Raises:
            TypeError: Not an `AudioSource` of this package, or a name that is no string.
        """
        return LocalAudioTrack(name, source)


@public
class LocalVideoTrack(Track):
    """A `VideoSource` under a name: what `VideoStream` reads.

    Example:
        >>> track = LocalVideoTrack.create_video_track("camera", VideoSource(640, 480))
        >>> track.name, track.kind.name
        ('camera', 'KIND_VIDEO')
    """

    def __init__(self, name: str, source: VideoSource) -> None:
        if not isinstance(source, VideoSource):
            raise TypeError(f"expected a VideoSource of livekit_utils, got {type(source).__name__}")
        super().__init__(name, TrackKind.KIND_VIDEO)
        self._source = source

    @staticmethod
    def create_video_track(name: str, source: VideoSource) -> LocalVideoTrack:
        """A track of this source.

        Raises:
            TypeError: Not a `VideoSource` of this package, or a name that is no string.
        """
        return LocalVideoTrack(name, source)
