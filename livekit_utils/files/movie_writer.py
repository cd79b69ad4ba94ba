"""MovieWriter: writes sound and pictures to MP4 or Matroska with PyAV, so that what is in the file can be read at any
time.

FFmpeg writes Matroska in clusters, and MP4 in fragments, of half a second each. When an MP4 is closed, FFmpeg writes
the index that makes it an ordinary one ("hybrid").
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from livekit_utils._runtime.trouble import Trouble
from livekit_utils.files.growing_file import GrowingFile
from livekit_utils.files.picture_fitter import PictureFitter
from livekit_utils.frames.av_pictures import BT601, LIMITED_RANGE
from livekit_utils.frames.pyav import import_av
from livekit_utils.frames.video_frame import VideoFrame, VideoRotation

# FFmpeg's name of the container, its encoder of sound, and our name of that.
_KINDS = {"MP4": ("mp4", "aac", "AAC"), "MKV": ("matroska", "libopus", "OPUS")}

# A cluster or a fragment is written after so long. Sound and pictures wait for each other for 1 s at most, in
# microseconds: else nothing would be written while the one is missing. The index that FFmpeg writes first, after half a
# second, says how much of the sound to leave out that the encoder puts before it.
_OPTIONS = {
    "MP4": {"movflags": "+hybrid_fragmented+delay_moov", "frag_duration": "500000"},
    "MKV": {"cluster_time_limit": "500"},
}
_COMMON_OPTIONS = {"flush_packets": "1", "max_interleave_delta": "1000000"}

# The first one that FFmpeg was built with, with its options. H.264 is what all players know; each picture is encoded
# when it comes, so that none is lost with a process that is killed.
_VIDEO_CODECS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "forced-idr": "1"},
    "libopenh264": {"allow_skip_frames": "0"},
    "mpeg4": {"flags": "+qscale", "global_quality": str(4 * 118)},  # in units of FF_QP2LAMBDA
}
_MAX_THREADS = 4

# Units of a second in which pictures are placed: MPEG-4 has 16 bits for it.
_TIME_BASE = 60_000
_LEAST_STEP = _TIME_BASE // 1000

# Seconds from one picture to the next that a player can begin with.
_KEY_EVERY_S = 4.0

# FFmpeg's numbers of the kinds of pictures.
_ANY, _INTRA = 0, 1

# The last picture is repeated shortly before the end of the sound, in seconds, if it is seen for longer.
_LAST_S = 0.2
_BEFORE_END_S = 0.04

_BITS_PER_CHANNEL = 64_000


class _Sink:
    """The file object that FFmpeg writes to. An error cannot pass through FFmpeg, so it is kept here, and nothing is
    written after it."""

    def __init__(self, file: GrowingFile) -> None:
        self._file = file
        self._position = 0
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        over = max(0, min(len(view), self._file.size - self._position))
        if self.error is None:
            try:
                if over:
                    self._file.rewrite(self._position, bytes(view[:over]))
                if over < len(view):
                    self._file.append(view[over:])
            except OSError as error:
                self.error = error
        self._position += len(view)
        return len(view)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._file.size)[whence]
        return self._position

    def tell(self) -> int:
        return self._position


class MovieWriter:
    """Writes one file with one sound and one stream of pictures.

    Nothing is written before `begin`: sound is held until then.

    Args:
        file: The file, which it does not close.
        kind: "MP4" for H.264 and AAC, "MKV" for H.264 and Opus.

    Raises:
        ValueError: The codec of the sound cannot hold this rate or these channels.
        ImportError: PyAV is not installed.
    """

    def __init__(self, file: GrowingFile, sample_rate: int, num_channels: int, kind: str) -> None:
        self._av = import_av("recording pictures")
        self._file, self._sample_rate, self._num_channels = file, sample_rate, num_channels
        self.format = kind
        self._container_name, self._sound_codec, self.subtype = _KINDS[kind]
        rates = self._av.Codec(self._sound_codec, "w").audio_rates or ()
        if sample_rate not in rates:
            raise ValueError(
                f"sample_rate: expected one of {', '.join(map(str, sorted(rates)))} for {self.subtype} in {kind}, "
                f"got {sample_rate}"
            )
        if num_channels > 2:
            raise ValueError(f"num_channels: expected 1 or 2 in {kind}, got {num_channels}")
        self._layout = "mono" if num_channels == 1 else "stereo"
        self._sink = _Sink(file)
        self._whole = 0  # bytes up to the end of the last cluster or fragment
        self._container: Any = None
        self._held: list[bytes] = []
        self._seen: Any = None  # the last picture
        self._seen_at = -_LEAST_STEP  # its place
        self._key_from = 0  # the place from which on the next picture is one to begin with
        self.samples_per_channel = 0
        """Samples that were taken."""
        self.refusal = Trouble("recording %s: a picture is left out: %s")

    # -- what comes ---------------------------------------------------------------------------------------------------

    def begin(self, width: int, height: int) -> None:
        """Begins the file, whose pictures have this size, of even numbers."""
        if self._container is not None:
            return
        self._fitter = PictureFitter(width, height)
        with self._translated():
            options = {**_OPTIONS[self.format], **_COMMON_OPTIONS}
            container = self._av.open(self._sink, "w", format=self._container_name, options=options)
            try:
                self._video = self._add_video(container, width, height)
                self._sound = container.add_stream(self._sound_codec, rate=self._sample_rate, layout=self._layout)
                self._sound.bit_rate = _BITS_PER_CHANNEL * self._num_channels
            except BaseException:
                container.close()
                raise
            self._container = container
        held, self._held = self._held, []
        self._num_encoded = 0
        for samples in held:
            self._encode_sound(samples)

    def _add_video(self, container: Any, width: int, height: int) -> Any:
        name = next(name for name in _VIDEO_CODECS if self._has(name))
        video = container.add_stream(name, rate=30, options=_VIDEO_CODECS[name])
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        context = video.codec_context
        context.time_base = Fraction(1, _TIME_BASE)
        context.gop_size = _TIME_BASE  # pictures to begin with are asked for by time
        context.color_range, context.colorspace = LIMITED_RANGE, BT601
        context.color_primaries = context.color_trc = BT601
        context.thread_count = min(_MAX_THREADS, os.cpu_count() or 1)
        return video

    def _has(self, codec: str) -> bool:
        try:
            self._av.Codec(codec, "w")
        except ValueError:
            return False
        return True

    def write(self, samples: bytes | bytearray | memoryview) -> None:
        """Appends int16 samples of all channels.

        Raises:
            OSError: Not all of them could be written.
        """
        self.samples_per_channel += len(samples) // (2 * self._num_channels)
        if self._container is None:
            self._held.append(bytes(samples))
        else:
            self._encode_sound(samples)

    def _encode_sound(self, samples: bytes | bytearray | memoryview) -> None:
        values = np.frombuffer(samples, np.int16).reshape(1, -1)
        frame = self._av.AudioFrame.from_ndarray(values, format="s16", layout=self._layout)
        frame.sample_rate, frame.time_base = self._sample_rate, Fraction(1, self._sample_rate)
        frame.pts = self._num_encoded
        self._num_encoded += frame.samples
        self._encode(self._sound, frame)

    def picture(self, frame: VideoFrame, rotation: VideoRotation, at_s: float) -> None:
        """Adds a picture, which is seen until the next one.

        Args:
            frame: Of any size and format.
            rotation: How to turn it for display.
            at_s: Seconds from the beginning of the file, not before the last picture.

        Raises:
            OSError: It could not be written.
        """
        try:
            picture = self._fitter.fit(frame, rotation)
        except Exception as error:
            self.refusal.failed(self._file.path, error)
            return
        self.refusal.good()
        self._encode_picture(picture, round(at_s * _TIME_BASE))

    def _encode_picture(self, picture: Any, place: int) -> None:
        place = max(place, self._seen_at + _LEAST_STEP, 0)
        picture.pts, picture.time_base = place, Fraction(1, _TIME_BASE)
        picture.pict_type = _INTRA if place >= self._key_from else _ANY
        if place >= self._key_from:
            self._key_from = place + round(_KEY_EVERY_S * _TIME_BASE)
        self._seen, self._seen_at = picture, place
        self._encode(self._video, picture)

    def write_tail(self, samples: bytes | bytearray | memoryview) -> None:
        """Does nothing: what is encoded cannot be taken back."""

    def settle(self) -> None:
        """Does nothing: the file can be read up to the last cluster or fragment."""

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends the file. After an error, it ends with the last whole cluster or fragment.

        Raises:
            OSError: The rest could not be written.
        """
        if self._container is None:
            return
        failed = self._sink.error
        try:
            if failed is None:
                self._extend()
                self._encode(self._sound, None)
                self._encode(self._video, None)
        finally:
            container, self._container = self._container, None
            try:
                with self._translated():
                    container.close()
            finally:
                self._seen = None
                if self._sink.error is not None:
                    self._file.cut(self._whole)
        if failed is None and self._sink.error is not None:
            raise self._sink.error

    def _extend(self) -> None:
        """Has the last picture be seen until the end of the sound."""
        end_s = self.samples_per_channel / self._sample_rate
        if self._seen is not None and end_s - self._seen_at / _TIME_BASE > _LAST_S:
            self._encode_picture(self._seen, round((end_s - _BEFORE_END_S) * _TIME_BASE))

    # -- FFmpeg -------------------------------------------------------------------------------------------------------

    def _encode(self, stream: Any, frame: Any) -> None:
        with self._translated():
            for packet in stream.encode(frame):
                self._container.mux(packet)
        self._whole = self._file.size

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raises OSError for what FFmpeg or the file raises."""
        try:
            yield
        except (self._av.FFmpegError, ValueError) as error:
            raise self._sink.error or OSError(f"encoding failed: {error}") from error
        if self._sink.error is not None:
            raise self._sink.error
