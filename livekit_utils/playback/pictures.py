"""Pictures gives the pictures of a file, each at its place on the timeline."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from livekit_utils.playback.item import Item
from livekit_utils.playback.pixels import DecodedPicture, PictureConverter
from livekit_utils.playback.timestamps import Timestamps

if TYPE_CHECKING:
    from livekit_utils.playback.laps import Lap, Laps
    from livekit_utils.playback.stream_decoder import StreamDecoder

# A picture that stays longer than this is given again: an AVSynchronizer takes a gap of 600 s for a jump.
_STILL_S = Fraction(300)


# Pictures that are later than this cost too much: those on which no other one depends are not decoded.
_HURRY_S = 0.2

# A picture that begins this much later than the place that is sought begins there: a float is not exactly 1/30.
_ROUNDING_S = Fraction(1, 2000)


class Pictures:
    """Decodes the pictures of all passes through a file.

    Where a pass does not begin with the beginning of the file, its first picture is the one that is seen at that time.

    Args:
        decoder: None gives no picture.
        laps: Where the passes lie.
        origin: The timestamp at which the file begins.
    """

    def __init__(self, decoder: StreamDecoder | None, laps: Laps, origin: Fraction) -> None:
        self._decoder = decoder
        self._laps = laps
        self._timestamps = Timestamps(origin, None if decoder is None else decoder.told_end)
        self._converter = PictureConverter()
        self.frame_rate = 25.0 if decoder is None else min(max(decoder.frame_rate, 0.1), 1000.0)
        self._interval = 1 / Fraction(self.frame_rate).limit_denominator(1001000)
        self.num_skipped = 0
        """Pictures that were too late to be worth more than decoding."""
        self.seek(Fraction(0))

    def seek(self, seconds: Fraction) -> None:
        """Goes to a time of the file, when the next picture is asked for."""
        if self._decoder is None:
            self._laps.note_end("video", Fraction(0))
        self._begin_at = self._laps.first(seconds)
        self._must_begin = True
        self.is_over = self._decoder is None
        self.needed_s = float(seconds)
        """The time of the timeline that is heard. May be set in any thread."""
        self.until = seconds
        """The time of the timeline up to which pictures were decoded, with the time that the last one is seen."""

    def _begin(self, lap: Lap) -> None:
        """Begins a pass."""
        assert self._decoder is not None
        self._lap = lap
        self._must_begin = False
        self._has_ended = False
        self._seen: tuple[Any, Fraction] | None = None  # what is seen when the pass begins, and how long
        self._ready: deque[tuple[Any, Fraction, Fraction]] = deque()
        self._last: tuple[DecodedPicture, Fraction] | None = None
        self._reached: Fraction | None = None
        self._timestamps.restart()
        self._decoder.seek(lap.start + self._timestamps.origin)

    def next(self) -> Item[DecodedPicture] | None:
        """Returns the next picture; None at the end, or where the sound has to be decoded first.

        Raises what `StreamDecoder.next` does.
        """
        while not self.is_over:
            if self._must_begin:
                self._begin(self._begin_at)
            if self._ready:
                if not self._skip():
                    return self._give()
                continue
            if not self._has_ended:
                self._read()
            elif not self._laps.repeats:
                self.is_over = True
            elif self._laps.end is None:
                return None
            elif (lap := self._laps.after(self._lap)) is not None:
                self._begin(lap)
            else:
                self.is_over = True
        return None

    def _skip(self) -> bool:
        """Leaves out the next picture, before it costs any more, if the one behind it is due already; returns whether
        it did."""
        assert self._decoder is not None
        self._decoder.hurries = self.needed_s - float(self._lap.place(self._ready[0][1])) > _HURRY_S
        time = self._decoder.next_time
        if time is None or float(self._lap.place(self._timestamps.shifted(time))) > self.needed_s:
            return False
        self._ready.popleft()
        self.num_skipped += 1
        return True

    def _give(self) -> Item[DecodedPicture]:
        decoded, start, end = self._ready[0]
        if self._last is not None and start - self._last[1] > _STILL_S:
            still = self._last[1] + _STILL_S
            self._last = self._last[0], still
            return self._item(self._last[0], still, still + self._interval)
        self._ready.popleft()
        picture = self._converter.convert(decoded)
        self._last = picture, start
        return self._item(picture, start, end)

    def _item(self, picture: DecodedPicture, start: Fraction, end: Fraction) -> Item[DecodedPicture]:
        at, until = self._lap.place(start), self._lap.place(end)
        self.until = max(self.until, until)
        return Item(picture, float(at), float(until), picture.frame.data.nbytes)

    def _read(self) -> None:
        """Decodes the next picture."""
        assert self._decoder is not None
        decoded = self._decoder.next()
        if decoded is None:
            self._has_ended = True
            self._keep_seen()
            self._laps.note_end("video", self.reached)
            self._decoder.check_end(self.reached + self._timestamps.origin)
            return
        start = self._timestamps.place(self._decoder.time(decoded), self._reached)
        duration = getattr(decoded, "duration", None)
        seconds = Fraction(duration * decoded.time_base) if duration and decoded.time_base else None
        end = self._timestamps.end(start, seconds, self._interval)
        self._reached = end if self._reached is None else max(self._reached, end)
        if start <= self._lap.start + _ROUNDING_S:
            self._seen = decoded, end
            return
        self._keep_seen()
        self._ready.append((decoded, start, end))

    def _keep_seen(self) -> None:
        if self._seen is not None:
            decoded, end = self._seen
            self._seen = None
            self._ready.append((decoded, self._lap.start, max(end, self._lap.start)))

    @property
    def reached(self) -> Fraction:
        """The time of the file up to which pictures were decoded."""
        return Fraction(0) if self._must_begin or self._reached is None else self._reached
