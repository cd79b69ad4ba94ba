"""Conversions: the audio of a track in each format that its streams ask for, converted once for all of them."""

from __future__ import annotations

import threading
import weakref
from typing import Any, Protocol, cast

from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.tracks.fan_out import FanOut, Sink

# After so many frames, it looks for conversions that have become alike: a second of frames of 10 ms.
_NUM_FRAMES_TO_LOOK = 100


class _Track(Protocol):
    @property
    def muted(self) -> bool: ...

    _fan_out: FanOut[Any]


class ConvertedSink(Sink[AudioFrame], Protocol):
    """A receiver of audio in the format that it asked for."""

    def _fail(self, error: BaseException, /) -> None:
        """Takes note that its audio cannot be converted, and that no more comes."""


# A sink that has come, and a converter for its format.
_Arrival = tuple["weakref.ref[ConvertedSink]", FrameConverter]


class _Conversion:
    """A converter, and the sinks to which its output belongs."""

    def __init__(self, converter: FrameConverter) -> None:
        self.converter = converter
        self.sinks: FanOut[AudioFrame] = FanOut()


class Conversions:
    """Stands between a source and the streams on one of its tracks: converts to each format once.

    A stream begins where it was opened, and gets what a converter of its own would give. So it shares one only if that
    goes on in the same way, bit for bit: if it has not begun, or keeps nothing of earlier audio. Converters that become
    alike later, after some frames or when the source was idle, are made one.

    Threads: sinks come and go in any thread. What a source calls is for the source's thread, which alone looks at
    converters: a new sink is put to one with the next call. So it never comes between a conversion and the sinks that
    are given its output. No lock is held while a sink is called.

    Args:
        track: The track, which is silence while it is muted. It is not kept alive.
    """

    def __init__(self, track: _Track) -> None:
        self._track = weakref.ref(track)
        # Reentrant, as that of a FanOut. The tuple is replaced, never changed.
        self._lock = threading.RLock()
        self._conversions: tuple[_Conversion, ...] = ()
        self._arrived: tuple[_Arrival, ...] = ()  # likewise
        self._ended = False
        self._num_frames = 0
        track._fan_out.attach(self)

    def __len__(self) -> int:
        return sum(len(conversion.sinks) for conversion in self._conversions) + len(self._arrived_without(None))

    def attach(self, sink: ConvertedSink, converter: FrameConverter) -> None:
        """Adds a sink, which gets all audio from the source's next call on; after the end, ends it.

        Args:
            converter: One that has converted nothing yet, for the sink's format.
        """
        with self._lock:
            if not self._ended:
                self._arrived = (*self._arrived_without(None), (weakref.ref(sink), converter))
                return
        sink._end()

    def detach(self, sink: ConvertedSink) -> None:
        """Removes a sink; does nothing if it is not there."""
        with self._lock:
            self._arrived = self._arrived_without(sink)
            for conversion in self._conversions:
                conversion.sinks.detach(sink)
            self._conversions = tuple(conversion for conversion in self._conversions if len(conversion.sinks))

    # -- what the source calls ----------------------------------------------------------------------------------------

    def _receive(self, frame: AudioFrame) -> None:
        track = self._track()
        if track is not None and track.muted:
            frame = AudioFrame.create(frame.sample_rate, frame.num_channels, frame.samples_per_channel)
        if self._arrived:
            self._take_in()
        self._convert(self._conversions, frame)
        self._num_frames += 1
        if self._num_frames >= _NUM_FRAMES_TO_LOOK:
            self._join_alike()

    def _on_idle(self) -> None:
        self._take_in()
        conversions = self._conversions
        self._convert(conversions, None)
        for conversion in conversions:
            conversion.sinks.idle()
        self._join_alike()

    def _end(self) -> None:
        with self._lock:
            self._take_in()
            conversions, self._conversions, self._ended = self._conversions, (), True
        self._convert(conversions, None)
        for conversion in conversions:
            conversion.sinks.end()

    def _take_in(self) -> None:
        """Puts each sink that has come to a conversion that goes on like one of its own."""
        with self._lock:
            arrived, self._arrived = self._arrived, ()
            for reference, converter in arrived:
                sink = reference()
                if sink is None:
                    continue
                for conversion in self._conversions:
                    if conversion.converter.goes_on_like(converter):
                        break
                else:
                    conversion = _Conversion(converter)
                    self._conversions = (*self._conversions, conversion)
                conversion.sinks.attach(sink)

    def _convert(self, conversions: tuple[_Conversion, ...], frame: AudioFrame | None) -> None:
        """Hands what becomes of a frame to the sinks; without one, what is left. What ends the program is raised when
        all have it."""
        ending: BaseException | None = None
        for conversion in conversions:
            try:
                converter = conversion.converter
                for converted in converter.flush() if frame is None else converter.push(frame):
                    conversion.sinks.receive(converted)
            except Exception as error:
                for sink in conversion.sinks.alive():
                    cast("ConvertedSink", sink)._fail(error)
            except BaseException as error:
                ending = error
        if ending is not None:
            raise ending

    def _join_alike(self) -> None:
        """Makes one of the conversions that give the same from here on, and forgets those whose streams are gone."""
        self._num_frames = 0
        with self._lock:
            kept: list[_Conversion] = []
            for conversion in self._conversions:
                if not len(conversion.sinks):
                    continue
                for other in kept:
                    if other.converter.goes_on_like(conversion.converter):
                        other.sinks.absorb(conversion.sinks)
                        break
                else:
                    kept.append(conversion)
            self._conversions = tuple(kept)

    def _arrived_without(self, gone: ConvertedSink | None) -> tuple[_Arrival, ...]:
        return tuple(arrival for arrival in self._arrived if arrival[0]() not in (gone, None))
