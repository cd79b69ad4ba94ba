"""LocalAudioTrack."""

from __future__ import annotations

from livekit_utils.tracks.audio_source import AudioSource
from livekit_utils.tracks.track import Track
from livekit_utils.tracks.track_kind import TrackKind

__all__ = ["LocalAudioTrack"]


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
