"""Tracks: sources under a name, on which streams are opened."""

from __future__ import annotations

import os
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from livekit_utils._runtime.arguments import check_type
from livekit_utils._runtime.protobuf_enum import ProtobufEnum
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.sdk_class import class_beside_sdk, sdk_class
from livekit_utils.tracks.audio_bridge import AudioBridge
from livekit_utils.tracks.audio_source import AudioSource
from livekit_utils.tracks.conversions import Conversions
from livekit_utils.tracks.fan_out import FanOut
from livekit_utils.tracks.video_bridge import VideoBridge
from livekit_utils.tracks.video_source import VideoSource

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["LocalAudioTrack", "LocalVideoTrack", "Track", "TrackKind"]


@public
class TrackKind(ProtobufEnum, IntEnum):
    """The kind of media of a track. Names and numbers are those of the LiveKit SDK."""

    KIND_UNKNOWN = 0
    """Neither."""
    KIND_AUDIO = 1
    """Sound."""
    KIND_VIDEO = 2
    """Pictures."""


class _TrackType(type):
    """Lets `isinstance` take the LiveKit SDK's tracks for a Track: programs ask with the one name for both."""

    def __instancecheck__(cls, instance: Any) -> bool:
        theirs: Any = sdk_class(_SDK_MODULE, "Track") if cls is Track else None
        return super().__instancecheck__(instance) or (theirs is not None and isinstance(instance, theirs))


_SDK_MODULE = "livekit.rtc.track"


@public
class Track(metaclass=_TrackType):
    """A source under a name, in this process; streams are opened on it.

    Made by `LocalAudioTrack.create_audio_track` and `LocalVideoTrack.create_video_track`. Any number of tracks may
    have one source. A track ends when its source is closed.

    `room.local_participant.publish_track` of the LiveKit SDK takes it as one of its own, in a running event loop. It
    then has a track of the SDK, which `to_livekit` returns, and with it the muting and the `sid`. What the source plays
    is passed on as it is played, in its time. For `isinstance` it is one of the SDK's too.
    """

    _sdk_name = "Track"
    """The SDK's class of such a track, also for subclasses of other names."""

    @property  # type: ignore[misc]
    def __class__(self) -> type[Track]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """This class; beside the LiveKit SDK one that is a class of the SDK as well, for `isinstance`."""
        return class_beside_sdk(type(self), _SDK_MODULE, self._sdk_name)

    def __init__(self, name: str, kind: TrackKind, source: AudioSource | VideoSource) -> None:
        check_type("name", name, str)
        self._name = name
        self._kind = kind
        self._sid = f"TR_{os.urandom(6).hex()}"
        self._muted = False
        self._source: Any = source
        self._fan_out: FanOut[Any] = source._fan_out
        self._bridge: AudioBridge | VideoBridge | None = None  # from when the SDK asks for the track

    @property
    def sid(self) -> str:
        """Identifier that no other track has; the room's, once the track is published."""
        return self._sid if self._bridge is None else str(self._bridge.track.sid)

    @property
    def name(self) -> str:
        """The name that it was made with."""
        return self._name

    @property
    def kind(self) -> TrackKind:
        """Audio or video."""
        return self._kind

    @property
    def muted(self) -> bool:
        """Whether `mute` was called, and `unmute` was not."""
        return self._muted if self._bridge is None else bool(self._bridge.track.muted)

    def mute(self) -> None:
        """Gives the track's streams, and the room in which it is published, silence or no video frames from now on.
        Other tracks of the source go on."""
        self._muted = True
        if self._bridge is not None:
            self._bridge.track.mute()

    def unmute(self) -> None:
        """Ends `mute`."""
        self._muted = False
        if self._bridge is not None:
            self._bridge.track.unmute()

    @property
    def stream_state(self) -> int:
        """The state that the SDK gives its track, a number of `rtc.StreamState`.

        Raises:
            ImportError: The SDK is not installed, cannot be imported, or is too old.
            RuntimeError: The source is closed, or no event loop runs.
        """
        return int(self._to_livekit().stream_state)

    async def get_stats(self) -> list[Any]:
        """Returns what the SDK counts of its track, as messages `rtc.RtcStats`. Raises what `stream_state` does."""
        return list(await self._to_livekit().get_stats())

    # -- what the SDK's participants, rooms and streams ask a track for -----------------------------------------------

    def _to_livekit(self) -> Any:
        """Returns the SDK's track that carries this one, which is made the first time."""
        bridge = self._bridge
        if bridge is None or bridge.is_over:
            sid, muted = self.sid, self.muted
            make: Any = AudioBridge if self._kind is TrackKind.KIND_AUDIO else VideoBridge
            bridge = make(self._name, self._source)
            bridge.track._info.sid = sid  # until the room gives it another
            if muted:
                bridge.track.mute()
            self._bridge = bridge
        return bridge.track

    @property
    def _ffi_handle(self) -> Any:
        return self._to_livekit()._ffi_handle

    @property
    def _info(self) -> Any:
        return self._to_livekit()._info

    def _set_room(self, room: Any) -> None:
        self._to_livekit()._set_room(room)

    def _register_audio_stream(self, stream: Any) -> None:
        self._to_livekit()._register_audio_stream(stream)

    def _unregister_audio_stream(self, stream: Any) -> None:
        self._to_livekit()._unregister_audio_stream(stream)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sid={self.sid!r}, name={self._name!r})"


@public
class LocalAudioTrack(Track):
    """An `AudioSource` under a name, on which an `AudioStream` is opened.

    Example:
        >>> track = LocalAudioTrack.create_audio_track("voice", AudioSource(48000, 1))
        >>> track.name, track.kind.name
        ('voice', 'KIND_AUDIO')
    """

    _sdk_name = "LocalAudioTrack"
    _source: AudioSource

    def __init__(self, name: str, source: AudioSource) -> None:
        check_type("source", source, AudioSource, "a livekit_utils")
        super().__init__(name, TrackKind.KIND_AUDIO, source)
        self._conversions = Conversions(self)  # the track's streams are attached here

    @staticmethod
    def create_audio_track(name: str, source: AudioSource) -> LocalAudioTrack:
        """Returns a new track of this source.

        Raises:
            TypeError: `source` is not an AudioSource of this package, or `name` is not a str.
        """
        return LocalAudioTrack(name, source)

    if TYPE_CHECKING:

        def _to_livekit(self) -> rtc.LocalAudioTrack: ...


@public
class LocalVideoTrack(Track):
    """A `VideoSource` under a name, on which a `VideoStream` is opened.

    Example:
        >>> track = LocalVideoTrack.create_video_track("camera", VideoSource(640, 480))
        >>> track.name, track.kind.name
        ('camera', 'KIND_VIDEO')
    """

    _sdk_name = "LocalVideoTrack"
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

    if TYPE_CHECKING:

        def _to_livekit(self) -> rtc.LocalVideoTrack: ...
