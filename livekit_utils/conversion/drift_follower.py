"""DriftFollower: resamples a live stream to its consumer's clock, so that the queue between them keeps its fill."""

from __future__ import annotations

import math

from livekit_utils.conversion.arrival_window import ArrivalWindow
from livekit_utils.conversion.audio_resampler import AudioResampler, AudioResamplerQuality
from livekit_utils.frames.audio_frame import AudioFrame

# Only the soonest frame of each window counts.
_WINDOW_S = 1.0

# The state's uncertainty at first: crystals are off by tens of ppm, and by 1000 at most.
_FIRST_PPM = 500.0
_MAX_PPM = 1200.0
# How far a clock's rate wanders in a second. It decides how many windows an estimate rests on: those of some 10 s where
# arrivals are exact, of some 30 s where they jitter by tens of milliseconds.
_WANDER_PPM = 0.3

# The uncertainty of a soonest frame, in seconds: at first, at least, and how fast it is learnt.
_FIRST_NOISE_S = 1e-3
_LEAST_NOISE_S = 0.05e-3
_LEARN_NOISE = 0.1

# A window that is off by more than this, and by more than five times what is expected, is no drift: the next one
# decides.
_STEP_S = 5e-3
_STEP_SIGMAS = 5.0

# The fill is brought back by 100 ppm for each millisecond that it is off: with a time constant of 10 s.
_PULL = 0.1
_MAX_CORRECTION = 1500e-6

# As long as the fill and the drift are off by less than this, equal rates are copied; and as long as the drift is off
# by less than so many times its uncertainty, because a stream of the same clock must not be resampled for its jitter.
_COPY_S = 2.5e-3
_COPY_PPM = 2.0
_COPY_SIGMAS = 3.0


class _Clock:
    """Estimates a line through points that come one by one: how far a stream is ahead, and how much that grows.

    This is the Kalman filter of a clock with a phase and a rate that wanders (Bar-Shalom, Li and Kirubarajan,
    "Estimation with Applications to Tracking and Navigation", 2001, section 6.2.2, has its matrices). At
    first its gains are those of a least-squares line through all points; then they settle where those of a PI loop of
    second order lie. The variance of the points is learnt from how far they scatter.
    """

    def __init__(self) -> None:
        self.ahead = 0.0  # seconds, at `time`
        self.rate = 0.0  # seconds per second
        self.time = -math.inf
        self._noise = _FIRST_NOISE_S**2
        self._num_points = 0
        self._off = 0.0
        self._p00 = self._p01 = 0.0
        self._p11 = (_FIRST_PPM * 1e-6) ** 2

    def at(self, time_s: float) -> float:
        """Returns how far the stream should be ahead at a time."""
        return self.ahead + self.rate * (time_s - self.time)

    @property
    def has_begun(self) -> bool:
        return self.time > -math.inf

    @property
    def uncertainty(self) -> float:
        """The standard deviation of `rate`."""
        return math.sqrt(max(0.0, self._p11))

    def start_at(self, time_s: float, ahead_s: float) -> None:
        """Goes on with another phase; what is known of the rate stays."""
        self.ahead, self.time, self._off = ahead_s, time_s, 0.0
        self._p00, self._p01 = self._noise, 0.0

    def is_step(self, time_s: float, ahead_s: float) -> bool:
        """Returns whether a point is too far off for what is known."""
        elapsed = time_s - self.time
        spread = self._p00 + elapsed * (2 * self._p01 + elapsed * self._p11) + self._noise
        return abs(ahead_s - self.at(time_s)) > max(_STEP_S, _STEP_SIGMAS * math.sqrt(spread))

    def add(self, time_s: float, ahead_s: float) -> None:
        """Takes a point."""
        elapsed = time_s - self.time
        wander = (_WANDER_PPM * 1e-6) ** 2
        p00 = self._p00 + elapsed * (2 * self._p01 + elapsed * self._p11) + wander * elapsed**3 / 3
        p01 = self._p01 + elapsed * self._p11 + wander * elapsed**2 / 2
        p11 = self._p11 + wander * elapsed
        off = ahead_s - self.at(time_s)
        gain0, gain1 = p00 / (p00 + self._noise), p01 / (p00 + self._noise)
        self.ahead = self.at(time_s) + gain0 * off
        self.rate = max(-_MAX_PPM * 1e-6, min(_MAX_PPM * 1e-6, self.rate + gain1 * off))
        self.time = time_s
        self._p00, self._p01, self._p11 = (1 - gain0) * p00, (1 - gain0) * p01, p11 - gain1 * p01
        # From one point to the next: a rate that has changed must not pass for noise, which would hide it.
        variance = max(_LEAST_NOISE_S**2, (off - self._off) ** 2 / 2)
        self._off = off
        self._num_points += 1
        self._noise += max(_LEARN_NOISE, 1 / (self._num_points + 1)) * (variance - self._noise)


class DriftFollower:
    """Resamples a live stream by its drift against a consumer's clock, so that the queue between both keeps its fill.

    A frame's last sample cannot come before it was recorded, but any frame can come late. So the frames that come
    soonest tell the stream's clock, and others tell the network, and stalls of seconds. Of each second, only the frame
    that is soonest relative to the line so far counts; a line through these (`_Clock`) gives the drift. The resampler
    takes away the drift (feed-forward), and 100 ppm more or less for each millisecond by which the fill is off its
    target (the proportional part of a PI loop, of which the estimate is the integral part). Its ratio moves in straight
    lines from second to second.

    - A stall or a burst has no soonest frame, and changes nothing.
    - Where the stream itself goes on earlier or later than before (sound was lost, a sender began anew), two seconds in
      a row are off by the same; the line then goes on there, with the drift that it has.
    - A stream of the same nominal rate is copied while its fill is within 2.5 ms and its drift is below 2 ppm, or below
      three times its uncertainty. Once it is resampled, it stays so; the change has no click, and takes the 0.5 ms once
      that the filter looks ahead.

    The fill is that right after the soonest frames: on average a queue holds half a frame less, and less again by the
    average jitter. The target has to cover the jitter.

    It locks within about 3 s where arrivals are exact, and within 20 s where they jitter by tens of milliseconds. Then
    the fill stays within some 0.1 ms, or 1 to 2 ms with such jitter.

    Args:
        input_rate: Hz, of the frames.
        output_rate: Hz, of the consumer.
        num_channels: Of both.
        target_s: The fill to keep; None keeps that of the first second.
        quality: Of the resampler.
    """

    def __init__(
        self,
        input_rate: int,
        output_rate: int,
        num_channels: int,
        *,
        target_s: float | None = None,
        quality: AudioResamplerQuality | str = AudioResamplerQuality.MEDIUM,
    ) -> None:
        self.target_s = target_s
        self._resampler = AudioResampler(
            input_rate, output_rate, num_channels=num_channels, quality=quality, engine="auto"
        )
        self._output_rate = output_rate
        self.copies = input_rate == output_rate
        """Whether frames are copied, because nothing was corrected yet."""
        self.window = ArrivalWindow(_WINDOW_S)
        """Of the frames that came last. As long as `copies`, who calls `window.see` for a frame need not `push` it,
        unless the window is over."""
        self._last: AudioFrame | None = None
        self._clock = _Clock()
        self._corrects = False
        self._correction = 0.0
        self._suspect: float | None = None  # how far the window before was off, where that was no drift

    @property
    def ppm(self) -> float:
        """The drift: above 0, the stream's clock is faster than the consumer's; 0 until it is known."""
        return self._clock.rate * 1e6

    @property
    def ratio(self) -> float:
        """Output samples per input sample, now."""
        return self._resampler.ratio

    def push(self, frame: AudioFrame, now_s: float, fill_s: float) -> list[AudioFrame]:
        """Takes a frame, and returns what belongs into the queue.

        Args:
            frame: Of the input rate.
            now_s: When it came, on any clock that does not jump.
            fill_s: What the queue held before this frame, for a consumer that takes sound evenly: what it has taken is
                counted as it is played. Where blocks are taken at once, that is the queue and what is left of the last
                block; it may be below 0.
        """
        arrived_s = frame.samples_per_channel / frame.sample_rate
        if self.copies:
            self._last = frame
            self._watch(now_s, fill_s + arrived_s, 0.0)
            self._last = None
            return [frame]
        frames = self._resampler.push(frame)
        made_s = sum(frame.samples_per_channel for frame in frames) / self._output_rate
        # The resampler holds back the same at all times, except that it begins to when it is first used.
        self._watch(now_s, fill_s + made_s, made_s - arrived_s)
        return frames

    def convert(self, frame: AudioFrame) -> list[AudioFrame]:
        """Takes a frame whose time tells nothing about the stream's clock."""
        return [frame] if self.copies else self._resampler.push(frame)

    def moved(self, num_s: float) -> None:
        """Notes that sound was put into the queue otherwise, or below 0 that it was taken out and not played.

        Silence that fills an underrun is put in. Late sound that is dropped is taken out. What is not noted looks like
        a stream that goes on earlier or later: it is accepted after two seconds.
        """
        self.window.changed_s += num_s

    def flush(self) -> list[AudioFrame]:
        """Ends the stream, and returns what is left of it."""
        return self._resampler.flush()

    def _watch(self, now_s: float, fill_s: float, added_s: float) -> None:
        window = self.window
        window.changed_s += added_s
        if window.is_over(now_s):
            self._end_window(now_s)
        window.see(now_s, fill_s)

    def _end_window(self, now_s: float) -> None:
        """Takes the soonest frame of a window."""
        time_s, ahead_s, off_s = self.window.soonest_s, self.window.ahead_s, self.window.off_s
        self.window.begin()
        if not self._clock.has_begun:
            self._clock.start_at(time_s, ahead_s)
        elif not self._clock.is_step(time_s, ahead_s):
            self._suspect = None
            self._clock.add(time_s, ahead_s)
        elif self._suspect is None or abs(off_s - self._suspect) > _STEP_S:
            self._suspect = off_s
            return
        else:
            self._suspect = None
            self._clock.start_at(time_s, ahead_s)
        self.window.set_line(self._clock.time, self._clock.ahead, self._clock.rate)
        self._correct(self._clock.at(now_s) + self.window.changed_s)

    def _correct(self, fill_s: float) -> None:
        if self.target_s is None:
            self.target_s = fill_s
        off_s = fill_s - self.target_s
        is_little = abs(self._clock.rate) < max(_COPY_PPM * 1e-6, _COPY_SIGMAS * self._clock.uncertainty)
        if not self._corrects and is_little and abs(off_s) < _COPY_S:
            return
        self._corrects = True
        correction = -self._clock.rate - _PULL * off_s
        self._correction = max(-_MAX_CORRECTION, min(_MAX_CORRECTION, correction))
        if self.copies:
            assert self._last is not None
            self.copies = False
            self._resampler.push(self._last)  # which has been given out: it is what the filter looks back to
        self._resampler.adjust_ppm(self._correction * 1e6, ramp_ms=_WINDOW_S * 1000)
