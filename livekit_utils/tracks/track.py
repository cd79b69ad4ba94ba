"""Tracks: sources under a name, on which streams are opened."""

from __future__ import annotations

import secrets
from enum import IntEnum
from typing import Any

from livekit_utils._runtime.arguments import check_type
from livekit_utils._runtime.protobuf_enum import ProtobufEnum
from livekit_utils._runtime.public_path import public
from livekit_utils.tracks.audio_source import AudioSource
from livekit_utils.tracks.fan_out import FanOut
from livekit_utils.tracks.video_source import VideoSource

__all__ = ["LocalAudioTrack", "LocalVideoTrack", "Track", "TrackKind"]


@public
class TrackKind(ProtobufEnum, IntEnum):
    """The kind of media of a track. Names and numbers are those of the LiveKit SDK."""

    KIND_UNKNOWN = 0
    KIND_AUDIO = 1
    KIND_VIDEO = 2


@public
class Track:
    """A source under a name, in this process; streams are opened on it.

    Made by `LocalAudioTrack.create_audio_track` and `LocalVideoTrack.create_video_track`. Any number of tracks may
    have one source. A track ends when its source is closed.
    """

    def __init__(self, name: str, kind: TrackKind, source: AudioSource | VideoSource) -> None:
        check_type("name", name, str)
        self._name = name
        self._kind = kind
        self._sid = f"TR_{secrets.token_hex(6)}"
        self._muted = False
        self._source: Any = source
        self._fan_out: FanOut[Any] = source._fan_out  # the track's streams are attached here

    @property
    def sid(self) -> str:
        """Identifier that no other track has."""
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
        """Gives the track's streams silence, or no video frames, from now on. Other tracks of the source go on."""
        self._muted = True

    def unmute(self) -> None:
        """Ends `mute`."""
        self._muted = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sid={self._sid!r}, name={self._name!r})"


@public
class LocalAudioTrack(Track):
    """An `AudioSource` under a name, on which an `AudioStream` is opened.

    Example:
        >>> track = LocalAudioTrack.create_audio_track("voice", AudioSource(48000, 1))
        >>> track.name, track.kind.name
        ('voice', 'KIND_AUDIO')
    """

    _source: AudioSource

    def __init__(self, name: str, source: AudioSource) -> None:
        check_type("source", source, AudioSource, "a livekit_utils")
        super().__init__(name, TrackKind.KIND_AUDIO, source)

    @staticmethod
    def create_audio_track(name: str, source: AudioSource) -> LocalAudioTrack:
        """Returns a new track of this source.

        Raises:
            TypeError: `source` is not an AudioSource of this package, or `name` is not a str.
        """
        return LocalAudioTrack(name, source)


@public
class LocalVideoTrack(Track):
    """A `VideoSource` under a name, on which a `VideoStream` is opened.

    Example:
        >>> track = LocalVideoTrack.create_video_track("camera", VideoSource(640, 480))
        >>> track.name, track.kind.name
        ('camera', 'KIND_VIDEO')
    """

    _source: VideoSource

    def __init__(self, name: str, source: VideoSource) -> None:
        check_type("source", source, VideoSource, "a livekit_utils")
        super().__init__(name, TrackKind.KIND_VIDEO, source)

    @staticmethod
    def create_video_track(name: str, source: VideoSource) -> LocalVideoTrack:
        """Returns a new track of this source.

        Raises:
            TypeError: `source` is not a VideoSource of this package, or `name` is not a str.
        """
        return LocalVideoTrack(name, source)
