"""AudioMixer mixes many streams of frames into one.

Each stream has a task that reads it and appends its samples to the stream's MixerInput. No task mixes: the task whose
samples complete a block mixes it at once, so a block costs no task switch and no delay. One timer (Patience) notices
streams that are late. Everything runs in one event loop, and no other thread touches it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Collection, Sequence
from typing import Any

from livekit_utils._kernels.gain_queue import mix, mix_each
from livekit_utils._kernels.limiter import Limiter
from livekit_utils._runtime.arguments import check_channels, check_int, check_ms, check_number, check_type
from livekit_utils._runtime.deadline import Deadline
from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils._runtime.lifecycle import AsyncClosing, LoopBound
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.tasks import is_being_cancelled, start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.mixing.limiting import make_limiter, reduction_db
from livekit_utils.mixing.mix_input import BLOCK, FULL, NOTHING, PART, MixInputs
from livekit_utils.mixing.mixer_input import AudioMixerStats, MixerInput
from livekit_utils.mixing.outputs import AudioMixerOutput, MixQueue, MixReaders, check_without
from livekit_utils.mixing.patience import Patience
from livekit_utils.mixing.shaping import Shaping

__all__ = ["AudioMixer"]

logger = logging.getLogger("livekit_utils")

# Seconds that aclose waits for streams that do not end when they are cancelled.
_CLOSE_TIMEOUT_S = 5.0

# Reads after which a stream that never waits lets other tasks run: with empty or tiny frames it is not stopped by a
# full queue.
_READS_IN_A_ROW = 1024

# A mix that goes this many times faster than real time is not heard as it goes.
_FASTER_THAN_LIVE = 4

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

    When a stream ends, its last part of a block is filled up with silence. A stream that raises, or yields an item that
    is no frame or cannot be converted, is logged once and ends there; the others go on.

    Args:
        sample_rate: Hz, from 10.
        num_channels: 1 to 128.
        blocksize: Samples per channel of each block, up to 60 s; 0 means `sample_rate // 10` (100 ms).
        stream_timeout_ms: Time that a block waits for a stream, above 0.
        capacity: Blocks that may wait to be read, from 1. When there are as many, the mixer stops reading its streams.
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
        ceiling_dbfs: float | None = None,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 10)
        self._num_channels = check_int("num_channels", num_channels, 1, 128)
        self._block = check_int("blocksize", blocksize, 0, _MAX_BLOCK_S * self._sample_rate) or self._sample_rate // 10
        self._capacity = check_int("capacity", capacity, 1)
        timeout_s = check_number("stream_timeout_ms", stream_timeout_ms, 0, above=True) / 1000
        # How far a live stream is read ahead of the mix: it must flow on while another one keeps the mix waiting.
        self._read_ahead = self._block + int(min(timeout_s, _MAX_READ_AHEAD_S) * self._sample_rate)

        self._ceiling = None if ceiling_dbfs is None else check_number("ceiling_dbfs", ceiling_dbfs, -60, 0)
        self._readers = MixReaders(self._capacity, self._advance, self._make_limiter)
        self._held_up = Deadline(timeout_s, self._give_up_readers)  # by a reader that is slower than the others
        self._inputs: MixInputs[MixerInput] = MixInputs(self._block)
        self._patience = Patience(self._inputs, timeout_s, lambda: self._readers.has_room, self._give_up_waiting)
        self._shaping = Shaping(self._inputs, self._sample_rate, self._num_channels, timeout_s, self._remove)
        # The last input of each stream and name: when one has ended, it may be added again before its rest is mixed.
        self._by_stream: dict[int, MixerInput] = {}  # by the id of a stream, which its input keeps alive
        self._by_name: dict[str, MixerInput] = {}
        self._finished = FinishedStreams()
        self._unstarted: deque[MixerInput] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._num_named = 0
        self._num_blocks = 0
        self._seen_blocks, self._seen_at = 0, 0.0  # blocks mixed, and when, at the last look at the pace
        self._is_paced = True  # blocks go out about in real time
        self._ending = False

    # -- what the user calls ------------------------------------------------------------------------------------------

    def add_stream(
        self,
        stream: AsyncIterator[Any] | AsyncIterable[Any],
        *,
        gain: float = 1.0,
        name: str | None = None,
        channels: Sequence[int] | None = None,
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
        if not _has_made_way(self._by_stream.get(id(stream))):
            raise ValueError(f"{stream!r} is a stream of this AudioMixer already")
        if name is not None:
            check_type("name", name, str)
        else:
            name = self._make_name()
        if not _has_made_way(self._by_name.get(name)):
            raise ValueError(f"name: expected one that no other stream has, got {name!r}")

        gain = check_number("gain", gain)
        picked = check_channels("channels", channels)
        shape = self._shaping.check(name, pan, delay_ms, fade_in_ms, duck_under, duck_db, attack_ms, release_ms)
        source = MixerInput(self._num_channels, gain, stream, name, self._sample_rate, picked)
        self._shaping.apply(shape, source)
        # A newcomer must not hold up a mix that is running; streams that start together wait for each other. What a
        # stream has left that has ended may be kept waiting already.
        if self._inputs.num_running or self._inputs.num_holding:
            source.await_join()
        self._inputs.add(source)
        self._readers.inputs_change()
        self._by_stream[id(stream)] = self._by_name[name] = source
        self._unstarted.append(source)
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
        if self._has_ended(stream):
            return
        self._remove(self._find(stream))
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
        return AudioMixerOutput(self, queue, self._be_read, self._advance)

    def set_gain(self, stream: AsyncIterator[Any] | AsyncIterable[Any], gain: float, ramp_ms: float = 10) -> None:
        """Moves a stream's gain in a straight line over the next `ramp_ms` of the mix.

        Args:
            gain: As for `add_stream`.
            ramp_ms: From 0, which jumps (and may click), to an hour.

        Raises:
            ValueError: Not a stream of this mixer, or a number is out of range.
        """
        source = self._find(stream)
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
        self._shaping.set_pan(self._find(stream), pan, ramp_ms)

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
        source = self._by_stream.get(id(stream))
        if source is None and self._has_ended(stream):
            return
        self._shaping.fade_out(source if source is not None else self._find(stream), ms)
        self._advance()

    def pause(self, stream: AsyncIterator[Any] | AsyncIterable[Any]) -> None:
        """Stops a stream within 10 ms. The mix goes on without it, and it is not read.

        It goes on with `resume` where it was: nothing is skipped. A live stream loses what its own queue cannot hold in
        the meantime. The iteration does not end while a paused stream has samples left. A second call does nothing.

        Raises:
            ValueError: Not a stream of this mixer.
        """
        self._shaping.pause(self._find(stream))
        self._advance()

    def resume(self, stream: AsyncIterator[Any] | AsyncIterable[Any]) -> None:
        """Lets a paused stream go on, over 10 ms. If it is not paused, this does nothing.

        Raises:
            ValueError: Not a stream of this mixer.
        """
        source = self._find(stream)
        self._shaping.resume(source)
        if source.task is not None:
            source.read_on(self._now(), self._find_read_ahead())
        self._advance()

    def stats(self) -> AudioMixerStats:
        """Returns the state of the mixer and of each stream, and what they have done so far."""
        streams = {name: source.stats() for name, source in self._by_name.items()}
        return AudioMixerStats(
            num_blocks=self._num_blocks,
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
            self._finish()

    async def aclose(self) -> None:
        """Stops at once: drops all queued samples, cancels the reading of all streams and waits until their tasks have
        ended. Iterations end, also those that are waiting. A second call does nothing."""
        self._closed = True
        self._patience.deadline.close()
        self._held_up.close()
        for source in list(self._inputs.all):
            if source.task is not None:
                source.task.cancel()
            self._forget(source)
        self._readers.close()
        # A stream may close the mixer that reads it; its task cannot wait for itself.
        tasks = self._tasks - {asyncio.current_task()}
        if not tasks:
            return
        _, pending = await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT_S)
        for task in pending:
            logger.error("AudioMixer: %s does not end although it was cancelled", task.get_name())

    def __aiter__(self) -> AudioMixer:
        return self

    async def __anext__(self) -> AudioFrame:
        queue = self._readers.main
        self._be_read(queue)
        return await queue.get()

    def _be_read(self, queue: MixQueue) -> None:
        """Somebody reads a queue of this mixer."""
        if self._closed:
            return
        if self._unstarted or self._loop is not asyncio.get_running_loop():
            self._start()
        queue.begin_read()
        if not self._readers.is_alone and not len(queue):
            self._advance()
            if not len(queue):
                self._watch_readers(True)

    # -- reading the streams ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Starts the tasks of streams that have none yet."""
        self._bind()
        while self._unstarted:
            source = self._unstarted.popleft()
            if not source.ended:
                source.task = start_task(self._read(source), f"AudioMixer {source.name!r}")
                self._tasks.add(source.task)
                source.task.add_done_callback(self._tasks.discard)

    async def _read(self, source: MixerInput) -> None:
        now = asyncio.get_running_loop().time
        patience = self._patience
        try:
            advance = source.open()
            source.read_on(now(), self._find_read_ahead())
            for count in itertools.count(1):
                if count % _READS_IN_A_ROW == 0:
                    await asyncio.sleep(0)
                try:
                    item = await advance()
                except StopAsyncIteration:
                    break
                news = source.take(item)
                if news == NOTHING:
                    continue
                # Waits with an item in hand: so the end of a stream is seen as soon as its last item was taken.
                while news == FULL and not source.ended:
                    if self._is_read_on(source):
                        news = source.take_more(item)
                    else:
                        await source.wait_for_room()
                        news = source.take(item)
                if news == PART and patience.deadline.running:
                    patience.last_arrival = now()
                elif news < FULL:
                    self._arrived(news)
                elif source.ended:
                    return  # removed by its own code, or it ignores its cancellation
                else:
                    self._take(source, item)
            if source.converter is not None:
                for frame in source.converter.flush():
                    self._push(source, frame)
        except asyncio.CancelledError:
            if is_being_cancelled():
                raise
            logger.error("AudioMixer: %r raised CancelledError by itself and is removed", source.name)
        except (*ENDS_PROGRAM, GeneratorExit):
            raise
        except BaseException as error:
            if source.ended:
                return  # removed: its error does not matter any more
            logger.error("AudioMixer: %r failed and is removed: %s", source.name, error, exc_info=error)
        finally:
            source.task = None  # else task, exception, traceback and this frame would keep each other alive
            self._end(source)
            await source.close()

    def _is_read_on(self, source: MixerInput) -> bool:
        """Whether a stream is read on that has its part of the block, for one item more.

        A live stream is, up to `_read_ahead`, while others keep the mix waiting. A stream that delivers much faster
        than real time can wait: samples that were read have left their source, but are not heard yet.
        """
        return not source.is_held and source.samples_per_channel < self._read_ahead and source.is_live(self._now())

    def _find_read_ahead(self) -> int:
        """How far a stream is read ahead at first: to its part of a block, unless blocks go out much faster than real
        time. Then all streams are read on, for the sake of speed."""
        num_blocks = self._num_blocks - self._seen_blocks
        if num_blocks:
            now = self._now()
            least_s = num_blocks * self._block / self._sample_rate / _FASTER_THAN_LIVE
            self._is_paced = now - self._seen_at > least_s
            self._seen_blocks, self._seen_at = self._num_blocks, now
        return self._block if self._is_paced else self._read_ahead

    def _take(self, source: MixerInput, item: Any) -> None:
        """Takes an item that MixInput.take does not: an event, a frame to be converted, a frame of another library, the
        first frame of a stream that joins."""
        frame = as_audio_frame(item if isinstance(item, AudioFrame) else getattr(item, "frame", item))
        if frame.samples_per_channel:  # else nothing has come
            for converted in source.convert(frame):
                self._push(source, converted)

    def _push(self, source: MixerInput, frame: AudioFrame) -> None:
        """Appends a frame of the mixer's own format."""
        if source.joining:
            self._join(source)
        self._arrived(source.push(frame))

    def _arrived(self, news: int) -> None:
        """Does what samples ask for that a stream has delivered."""
        if news == BLOCK:
            self._advance()
        else:
            self._patience.arrived(news)

    def _join(self, source: MixerInput) -> None:
        """Lets blocks wait for a stream again that delivers. Silence fills its part up to the point within the block
        that the others have reached."""
        reached = self._inputs.reached()
        source.join()
        if reached < self._block:
            source.push_silence(reached)

    def _end(self, source: MixerInput) -> None:
        """Handles the end of a stream; its queued samples are still mixed."""
        if source.ended:
            return
        source.end()
        self._finished.add(source.stream)
        if source.is_spent:
            self._forget(source)
        self._advance()

    def _forget(self, source: MixerInput) -> None:
        source.end()
        self._shaping.forget(source)
        self._inputs.remove(source)
        self._readers.inputs_change()
        if self._by_stream.get(id(source.stream)) is source:
            del self._by_stream[id(source.stream)]
        if self._by_name.get(source.name) is source:
            del self._by_name[source.name]
        if self._ending and not self._inputs:
            self._patience.deadline.close()
            self._held_up.close()
            self._finish()

    def _finish(self) -> None:
        """Ends the readers, with what the limiters hold."""
        for queue, samples in self._readers.drain(self._block):
            queue.put(AudioFrame(samples, self._sample_rate, self._num_channels, self._block))
        self._readers.end()

    def _make_limiter(self) -> Limiter | None:
        if self._ceiling is None:
            return None
        return make_limiter(self._ceiling, self._sample_rate, self._num_channels)

    # -- mixing -------------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Mixes every block that is complete, then starts the wait for the next one."""
        inputs, readers, shaping = self._inputs, self._readers, self._shaping
        while inputs.has_block and readers.has_room:
            if shaping.is_active:
                shaping.before_block()
            try:
                self._mix()
            except MemoryError as error:
                readers.end(error)  # the readers must not wait for a block that cannot be made
                return
            self._num_blocks += 1
            self._patience.deadline.clear()  # the next block has a wait of its own
            if inputs.num_expected < len(inputs):
                self._settle()
            if shaping.is_active:
                shaping.after_block()
        if inputs.num_starved:
            now, read_ahead = self._now(), self._find_read_ahead()
            for source in inputs.starved():
                source.read_on(now, read_ahead)
            inputs.has_arrived = True  # streams that were not read could not deliver
        self._patience.look()
        if not readers.is_alone:
            self._watch_readers(readers.are_kept_waiting)

    def _watch_readers(self, somebody_waits: bool) -> None:
        """Has readers given up, if there is a block that somebody waits for and others have no room for."""
        if not (somebody_waits and self._inputs.has_block):
            self._held_up.clear()
        elif self._readers.has_unread:
            # Whoever is about to read does so before this; nobody else is waited for.
            asyncio.get_running_loop().call_soon(self._give_up_unread)
        elif not self._held_up.running:
            self._held_up.start(self._now())

    def _mix(self) -> None:
        inputs, readers = self._inputs.all, self._readers
        if readers.is_alone:
            samples = mix(inputs, self._block, self._num_channels, readers.main.limiter)
            readers.main.put(AudioFrame(samples, self._sample_rate, self._num_channels, self._block))
        else:
            left_out = readers.left_out(inputs)
            mixes = mix_each(inputs, self._block, self._num_channels, left_out, readers.limiters)
            readers.put([AudioFrame(samples, self._sample_rate, self._num_channels, self._block) for samples in mixes])

    def _give_up_unread(self) -> None:
        self._readers.give_up_unread()
        self._advance()

    def _give_up_readers(self) -> None:
        self._readers.give_up()
        self._advance()

    def _settle(self) -> None:
        """Counts late streams and removes ended ones, after a block that did not have a part of every stream."""
        for source in list(self._inputs.all):
            source.num_late_blocks += source.late
            if source.ended and source.is_spent:
                self._forget(source)

    def _give_up_waiting(self) -> None:
        """Mixes without the streams that keep the others waiting."""
        for source in self._inputs.all:
            if source.expected and source.samples_per_channel < self._block and not source.is_held:
                source.await_join()
                source.late = True
                # A stream whose source is idle is expected to be late.
                level = logging.INFO if getattr(source.stream, "idle", False) is True else logging.WARNING
                logger.log(
                    level,
                    "AudioMixer: %r is more than %g ms late and silent until it goes on",
                    source.name,
                    self._patience.deadline.timeout_s * 1000,
                )
        self._advance()

    # -- small things -------------------------------------------------------------------------------------------------

    def _make_name(self) -> str:
        while True:
            self._num_named += 1
            name = f"stream {self._num_named}"
            if name not in self._by_name:
                return name

    def _has_ended(self, stream: object) -> bool:
        """Whether the stream ended by itself, and was not added again."""
        source = self._by_stream.get(id(stream))
        return source.ended if source is not None else stream in self._finished

    def _find(self, stream: object) -> MixerInput:
        source = self._by_stream.get(id(stream))
        if source is None:
            raise ValueError(f"{stream!r} is not a stream of this AudioMixer")
        return source

    def _leave_loop(self) -> None:
        raise RuntimeError("this AudioMixer belongs to another event loop, which has ended")

    def _state(self) -> str:
        return "closed" if self._closed else "ending" if self._ending else "open"

    def __repr__(self) -> str:
        return (
            f"AudioMixer(sample_rate={self._sample_rate}, num_channels={self._num_channels}, "
            f"blocksize={self._block}, streams={len(self._inputs)}, {self._state()})"
        )


def _reads(stream: object, mixer: AudioMixer) -> bool:
    """Whether a stream is the mixer, or another mixer that reads it: both would wait for each other without end."""
    if isinstance(stream, AudioMixerOutput):
        stream = stream.mixer
    if stream is mixer or not isinstance(stream, AudioMixer):
        return stream is mixer
    return any(_reads(source.stream, mixer) for source in stream._inputs.all if not source.ended)


def _has_made_way(source: MixerInput | None) -> bool:
    """Whether another input may take the place of this one."""
    return source is None or source.ended
