"""LocalVideoTrack."""

from __future__ import annotations

from livekit_utils.tracks.track import Track
from livekit_utils.tracks.track_kind import TrackKind
from livekit_utils.tracks.video_source import VideoSource

__all__ = ["LocalVideoTrack"]


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
