"""AudioMixer mixes many streams of frames into one.

Each stream has a task that reads it and appends its samples to the stream's MixerInput. No task mixes: the task whose
samples complete a block mixes it at once, so a block costs no task switch and no delay. One timer (Patience) notices
streams that are late. Everything runs in one event loop, and no other thread touches it.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from livekit_utils._kernels.limiter import Limiter
from livekit_utils._runtime.arguments import check_channels, check_int, check_ms, check_number, check_type
from livekit_utils._runtime.lifecycle import AsyncClosing, LoopBound
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.mixing.block_mixer import BlockMixer
from livekit_utils.mixing.limiting import make_limiter, reduction_db
from livekit_utils.mixing.mix_input import MixInputs
from livekit_utils.mixing.mixer_input import AudioMixerStats, MixerInput
from livekit_utils.mixing.mixer_streams import MixerStreams
from livekit_utils.mixing.outputs import AudioMixerOutput, MixQueue, MixReaders, check_without
from livekit_utils.mixing.stream_reader import StreamReader, TimedReader
from livekit_utils.mixing.timed_input import TimedInput

__all__ = ["AudioMixer"]

_MAX_BLOCK_S = 60
_MAX_RAMP_MS = 3_600_000

# Seconds. It bounds memory where the timeout is long.
_MAX_READ_AHEAD_S = 1.0


@public
class AudioMixer(AsyncClosing, LoopBound, AsyncIterator[AudioFrame]):
    """Mixes streams of frames into one stream of blocks.

    The mix is the exact sum of all streams, saturated once: it depends neither on their order nor on their number.
    Streams of another sample rate or channel count are converted (mono is copied to all channels, many are averaged
    to mono).

    A block goes out as soon as every stream has delivered its part. A stream that keeps the others waiting for
    `stream_timeout_ms` is late: that is logged once, and no block waits for it until it delivers again. Its new
    samples are then mixed from the point that the others have reached. Nor does a block wait for the first frame of a
    stream that was added while others are running. No block goes out while no stream has samples.

    With `realtime`, a block goes out every block's time by the event loop's clock, the first after one block: silence
    where nobody delivers, and never faster. No block waits for a stream. A live stream is resampled to the mixer's
    clock (up to 1000 ppm). It fades out when it is late and starts again with its next frame; what comes after a stall
    and would be a lasting delay is left out in a crossfade. A stream that is always ready, as a file, is read as it is
    needed, and nothing of it is left out. After the event loop was held up, blocks of up to 0.5 s are made up for at
    once; longer ones are skipped.

    When a stream ends, its last part of a block is filled up with silence. A stream that raises, or yields an item that
    is no frame or cannot be converted, is logged once and ends there; the others go on.

    Args:
        sample_rate: Hz, from 10.
        num_channels: 1 to 128.
        blocksize: Samples per channel of each block, up to 60 s; 0 means `sample_rate // 10` (100 ms).
        stream_timeout_ms: Time that a block waits for a stream, above 0.
        capacity: Blocks that may wait to be read, from 1. When there are as many, the mixer stops reading its streams.
        realtime: Gives a block every block's time, by the event loop's clock, see above.
        num_loudest: Mixes only so many streams, the loudest, from 1; None mixes all. A stream that is silent takes
            nobody's place, and one that speaks takes that of another when it is 3 dB louder. They change places in
            crossfades of 10 ms.
        ceiling_dbfs: -60 to 0: no sample of the mix is above it, whatever comes. A peak limiter lowers all channels
            together before a peak (over 5 ms, its look-ahead) and then lets them rise again (a reduction falls to 1/e
            in 100 ms). The mix comes 5 ms later, less one sample; what is not above the ceiling is not changed by a
            bit. The rest comes with the next block, or with one block more at the end. None: no limiter, the sum is
            saturated.

    Raises:
        ValueError: A number is out of range.
        TypeError: An argument is of a wrong type.

    Threads: belongs to the event loop in which it starts, with the first `add_stream` or iteration. It may be made
    outside of one.

    Example:
        >>> import asyncio
        >>> from livekit_utils import sine_wave_generator
        >>> async def main() -> None:
        ...     async with AudioMixer(48000, 1, blocksize=480) as mixer:
        ...         mixer.add_stream(sine_wave_generator(440, 1.0))
        ...         mixer.add_stream(sine_wave_generator(660, 0.5, sample_rate=16000), gain=0.5, name="fifth")
        ...         mixer.end_input()
        ...         print(sum([frame.duration async for frame in mixer]))
        >>> asyncio.run(main())  # doctest: +ELLIPSIS
        1.0...
    """

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        *,
        blocksize: int = 0,
        stream_timeout_ms: float = 100,
        capacity: int = 100,
        realtime: bool = False,
        num_loudest: int | None = None,
        ceiling_dbfs: float | None = None,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 10)
        self._num_channels = check_int("num_channels", num_channels, 1, 128)
        self._block = check_int("blocksize", blocksize, 0, _MAX_BLOCK_S * self._sample_rate) or self._sample_rate // 10
        self._capacity = check_int("capacity", capacity, 1)
        timeout_s = check_number("stream_timeout_ms", stream_timeout_ms, 0, above=True) / 1000
        check_type("realtime", realtime, bool)
        if num_loudest is not None:
            num_loudest = check_int("num_loudest", num_loudest, 1)
        self._ceiling = None if ceiling_dbfs is None else check_number("ceiling_dbfs", ceiling_dbfs, -60, 0)
        self._inputs: MixInputs[MixerInput] = MixInputs(self._block)
        self._readers = MixReaders(self._capacity, self._advance, self._make_limiter)
        read_ahead = self._block + int(min(timeout_s, _MAX_READ_AHEAD_S) * self._sample_rate)
        self._blocks = BlockMixer(
            self._inputs,
            self._readers,
            sample_rate=self._sample_rate,
            num_channels=self._num_channels,
            timeout_s=timeout_s,
            num_loudest=num_loudest,
            keeps_time=realtime,
            read_ahead=read_ahead,
            remove=self._remove,
            forget=self._forget,
        )
        self._clock, self._shaping = self._blocks.clock, self._blocks.shaping
        self._reader = (TimedReader if realtime else StreamReader)(
            self._inputs, self._readers, self._blocks, read_ahead=read_ahead, on_end=self._end
        )
        self._streams = MixerStreams()
        self._ending = False

    # -- what the user calls ------------------------------------------------------------------------------------------

    def add_stream(
        self,
        stream: AsyncIterator[Any] | AsyncIterable[Any],
        *,
        gain: float = 1.0,
        name: str | None = None,
        channels: Sequence[int] | None = None,
        live: bool | None = None,
        pan: float = 0.0,
        delay_ms: float = 0,
        fade_in_ms: float = 0,
        duck_under: str | None = None,
        duck_db: float = -12.0,
        attack_ms: float = 20,
        release_ms: float = 300,
    ) -> None:
        """Adds a stream, at any time.

        Args:
            stream: Yields frames, or events with a `frame` (an `AudioStream`'s).
            gain: A factor, above -128 and below 128 (+42 dB); 0 mutes, 1 leaves every bit as it is.
            name: For the log and `stats`; "stream 1" and so on by default.
            channels: Numbers of the channels to take of the stream's frames, from 0 and in this order: [0] is the first
                of six. They are converted to the mixer's as a stream of as many channels is. None takes all. A stream
                whose frames lack one of them ends there, as one that cannot be converted.
            live: With `realtime`: whether the stream goes on if it is not read, as a call's does. None finds out: an
                `AudioStream` is live, and so is any other that has delivered 0.3 s in real time.
            pan: Its place in a mixer of two channels, from -1 (left) over 0 (as it is) to 1 (right). Both channels get
                gains of equal power: `sqrt(2) * cos` and `sqrt(2) * sin` of `(pan + 1) * pi / 4`. The product with
                `gain` goes up to +42 dB.
            delay_ms: The stream is heard so much later than the others, up to 10 s. When it ends, the mix goes on until
                all of it is heard.
            fade_in_ms: The stream rises from silence, beginning with its first sample, along a sine. Together with
                `fade_out` of another stream over the same time it keeps the power: an equal-power crossfade.
            duck_under: Name of another stream, which need not be there: while that is heard (with a peak of -50 dBFS or
                more in a block), this stream is lowered.
            duck_db: By how much, -120 to 0.
            attack_ms: In which time it is lowered, in a straight line from the start of the block in which the other is
                heard.
            release_ms: In which time it comes back, from the start of the first block in which the other is not heard.

        Raises:
            ValueError: The stream or the name is there already, the stream is this mixer or a mixer that reads it, a
                number is out of range, `pan` is not 0 in a mixer that has not two channels, or `duck_under` is its own
                name.
            TypeError: The stream is no async iterator or iterable, or another argument is of a wrong type.
            RuntimeError: After `end_input` or `aclose`.
        """
        if self._closed or self._ending:
            raise RuntimeError(f"this AudioMixer takes no more streams: {self._state()}")
        if not hasattr(type(stream), "__anext__") and not hasattr(type(stream), "__aiter__"):
            raise TypeError(f"stream: expected an async iterator of frames, got {type(stream).__name__}")
        if _reads(stream, self):
            raise ValueError(f"stream: expected one that does not read this AudioMixer, got {stream!r}")
        if name is not None:
            check_type("name", name, str)
        name = self._streams.check(stream, name)
        gain = check_number("gain", gain)
        picked = check_channels("channels", channels)
        if live is not None:
            check_type("live", live, bool)
        given = (self._num_channels, gain, stream, name, self._sample_rate, picked)
        shape = self._shaping.check(name, pan, delay_ms, fade_in_ms, duck_under, duck_db, attack_ms, release_ms)
        source = MixerInput(*given) if self._clock is None else TimedInput(*given, self._clock, self._block, live)
        self._shaping.apply(shape, source)
        # A newcomer must not hold up a mix that is running; streams that start together wait for each other. What a
        # stream has left that has ended may be kept waiting already.
        if self._clock is None and (self._inputs.num_running or self._inputs.num_holding):
            source.await_join()
        self._inputs.add(source)
        self._readers.inputs_change()
        self._streams.add(source)
        self._reader.add(source)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return  # its task starts with the iteration
        self._start()

    def remove_stream(self, stream: AsyncIterator[Any] | AsyncIterable[Any]) -> None:
        """Takes a stream out.

        A stream that is still delivering goes at once: what it has queued is dropped, and the read of it that is under
        way is cancelled. For a stream that has ended by itself, or failed, this changes nothing: what it delivered is
        mixed.

        Raises:
            ValueError: The stream was never added, or was removed before it ended.
        """
        if self._streams.has_ended(stream):
            return
        self._remove(self._streams.find(stream))
        self._advance()

    def _remove(self, source: MixerInput) -> None:
        if source.task is not None:
            source.task.cancel()
        self._forget(source)

    def output(self, without: object | Collection[object] = None) -> AudioMixerOutput:
        """Returns a further iterator over the blocks of this mixer, less some streams: for somebody who is not to hear
        their own voice.

        Each block is the exact sum of the other streams, saturated once, and goes out with the mixer's own. It costs
        one subtraction, however many streams there are. The output begins with the block that is mixed next.

        Outputs flow whether or not the mixer itself is iterated over. What nobody reads holds nobody up: its oldest
        blocks make room, and are counted. A reader who has read, and now has `capacity` blocks waiting, is waited for
        as a late stream is: for `stream_timeout_ms`, once. When nobody reads, the mixer stops reading its streams.

        Args:
            without: A stream, a name, or a collection of them. Those that are not there (yet, or any more) are left
                out while they are. None leaves out nothing.

        Raises:
            TypeError: `without` is something else.
            RuntimeError: The mixer is closed.

        Example:
            >>> import asyncio
            >>> from livekit_utils import sine_wave_generator
            >>> async def main() -> None:
            ...     async with AudioMixer(48000, 1) as mixer:
            ...         mixer.add_stream(sine_wave_generator(440, 1.0), name="alice")
            ...         mixer.add_stream(sine_wave_generator(660, 1.0), name="bob")
            ...         mixer.end_input()
            ...         async for heard_by_alice in mixer.output(without="alice"):
            ...             pass
            >>> asyncio.run(main())
        """
        self._check_open()
        queue = self._readers.add(check_without(without))
        if self._ending and not self._inputs:
            queue.end()
        return AudioMixerOutput(self, queue, self._be_read, self._forget_output)

    def set_gain(self, stream: AsyncIterator[Any] | AsyncIterable[Any], gain: float, ramp_ms: float = 10) -> None:
        """Moves a stream's gain in a straight line over the next `ramp_ms` of the mix.

        Args:
            gain: As for `add_stream`.
            ramp_ms: From 0, which jumps (and may click), to an hour.

        Raises:
            ValueError: Not a stream of this mixer, or a number is out of range.
        """
        source = self._streams.find(stream)
        ramp_length = round(check_ms("ramp_ms", ramp_ms, _MAX_RAMP_MS) * self._sample_rate / 1000)
        source.set_gain(check_number("gain", gain), ramp_length)

    def set_pan(self, stream: AsyncIterator[Any] | AsyncIterable[Any], pan: float, ramp_ms: float = 10) -> None:
        """Moves a stream between left and right over the next `ramp_ms` of the mix.

        Args:
            pan: As for `add_stream`.
            ramp_ms: From 0, which jumps (and may click), to an hour.

        Raises:
            ValueError: Not a stream of this mixer, a number is out of range, or the mixer has not two channels.
        """
        self._shaping.set_pan(self._streams.find(stream), pan, ramp_ms)

    def fade_out(self, stream: AsyncIterator[Any] | AsyncIterable[Any], ms: float) -> None:
        """Lets a stream fall to silence over the next `ms` of the mix, along a cosine, and then removes it.

        A stream of which nothing is heard now, because it is late or paused, is removed at once. For a stream that has
        ended by itself and is mixed no more this changes nothing.

        Args:
            ms: From 0, which removes it at once (and may click), to an hour.

        Raises:
            ValueError: Not a stream of this mixer, or the number is out of range.

        Example:
            An equal-power crossfade from one stream to another.

            >>> def crossfade(mixer, old, new):
            ...     mixer.add_stream(new, fade_in_ms=500)
            ...     mixer.fade_out(old, 500)
        """
        if not self._streams.is_gone(stream):
            self._shaping.fade_out(self._streams.find(stream), ms)
        self._advance()

    def pause(self, stream: AsyncIterator[Any] | AsyncIterable[Any]) -> None:
        """Stops a stream within 10 ms. The mix goes on without it, and it is not read.

        It goes on with `resume` where it was: nothing is skipped. A live stream loses what its own queue cannot hold in
        the meantime; with `realtime`, it goes on with what comes then, and what has come meanwhile is left out. The
        iteration does not end while a paused stream has samples left. A second call does nothing.

        Raises:
            ValueError: Not a stream of this mixer.
        """
        self._shaping.pause(self._streams.find(stream))
        self._advance()

    def resume(self, stream: AsyncIterator[Any] | AsyncIterable[Any]) -> None:
        """Lets a paused stream go on, over 10 ms. If it is not paused, this does nothing.

        Raises:
            ValueError: Not a stream of this mixer.
        """
        source = self._streams.find(stream)
        self._shaping.resume(source)
        if source.task is not None:
            read_ahead = self._blocks.find_read_ahead() if self._clock is None else source.read_ahead
            source.read_on(self._now(), read_ahead)
        self._advance()

    @property
    def active_speakers(self) -> list[str]:
        """Names of the streams that speak, the loudest first: those that are above -55 dBFS, of those that are heard.

        Loudness is that of the mix, after the gain, and falls slowly, so that a voice stays between its words. With
        `num_loudest` it is always followed, else from the first look on, which sees the last block only.
        """
        return self._blocks.active_speakers()

    def stats(self) -> AudioMixerStats:
        """Returns the state of the mixer and of each stream, and what they have done so far."""
        streams = {name: source.stats() for name, source in self._streams.by_name.items()}
        return AudioMixerStats(
            num_blocks=self._blocks.num_blocks,
            num_skipped_blocks=self._blocks.num_unread + (self._clock.num_skipped if self._clock is not None else 0),
            num_queued_blocks=len(self._readers.main),
            reduction_db=reduction_db(self._readers.main.limiter),
            num_outputs=self._readers.num_outputs,
            num_dropped_blocks=self._readers.num_dropped,
            streams=streams,
        )

    def end_input(self) -> None:
        """Declares that no more streams will be added: the iteration ends when all streams have ended."""
        self._ending = True
        if not self._inputs:
            self._blocks.end()

    async def aclose(self) -> None:
        """Stops at once: drops all queued samples, cancels the reading of all streams and waits until their tasks have
        ended. Iterations end, also those that are waiting. A second call does nothing."""
        self._closed = True
        self._blocks.close()
        for source in list(self._inputs.all):
            if source.task is not None:
                source.task.cancel()
            self._forget(source)
        self._readers.close()
        await self._reader.wait_closed()

    def __aiter__(self) -> AudioMixer:
        return self

    def __anext__(self) -> Coroutine[Any, Any, AudioFrame]:
        queue = self._readers.main
        self._be_read(queue)
        return queue.get()

    def _be_read(self, queue: MixQueue) -> None:
        """Somebody reads a queue of this mixer."""
        if not self._closed and (self._reader.unstarted or self._loop is not asyncio.get_running_loop()):
            self._start()
        queue.was_read = queue.is_waited_for = True
        if not self._readers.is_alone:
            self._blocks.look_after(queue)

    # -- reading the streams ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Starts the clock, and the reading of streams that are not read yet."""
        self._bind()
        if self._clock is not None and not self._readers.main.ended:
            self._clock.start()
        self._reader.start()

    def _end(self, source: MixerInput) -> None:
        """Handles the end of a stream; its queued samples are still mixed."""
        if source.ended:
            return
        source.end()
        self._streams.end(source)
        if source.is_spent:
            self._forget(source)
        self._advance()

    def _forget(self, source: MixerInput) -> None:
        source.end()
        self._shaping.forget(source)
        self._inputs.remove(source)
        self._readers.inputs_change()
        self._streams.forget(source)
        if self._ending and not self._inputs:
            self._blocks.end()

    def _make_limiter(self) -> Limiter | None:
        if self._ceiling is None:
            return None
        return make_limiter(self._ceiling, self._sample_rate, self._num_channels)

    def _forget_output(self, in_any_thread: bool) -> None:
        """An output is gone, and holds nobody up any more."""
        if not in_any_thread:
            self._advance()
        elif self._loop is not None and not self._closed:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(_call, weakref.WeakMethod(self._advance))

    # -- small things -------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        self._blocks.advance()

    def _leave_loop(self) -> None:
        raise RuntimeError("this AudioMixer belongs to another event loop, which has ended")

    def _state(self) -> str:
        return "closed" if self._closed else "ending" if self._ending else "open"

    def __repr__(self) -> str:
        return (
            f"AudioMixer(sample_rate={self._sample_rate}, num_channels={self._num_channels}, "
            f"blocksize={self._block}, streams={len(self._inputs)}, {self._state()})"
        )


def _call(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    """Calls a method, if its object is still there."""
    function = method()
    if function is not None:
        function()


def _reads(stream: object, mixer: AudioMixer) -> bool:
    """Whether a stream is the mixer, or another mixer that reads it: both would wait for each other without end."""
    if isinstance(stream, AudioMixerOutput):
        stream = stream.mixer
    if stream is mixer or not isinstance(stream, AudioMixer):
        return stream is mixer
    return any(_reads(source.stream, mixer) for source in stream._inputs.all if not source.ended)
