"""StreamReader and TimedReader read the streams of a mixer into their inputs, each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from livekit_utils._runtime.tasks import OwnTask, is_being_cancelled, start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame
from livekit_utils.mixing.block_mixer import BlockMixer
from livekit_utils.mixing.mix_input import BLOCK, FULL, NOTHING, PART, MixInputs
from livekit_utils.mixing.mixer_input import MixerInput
from livekit_utils.mixing.outputs import MixReaders
from livekit_utils.mixing.timed_input import TimedInput

logger = logging.getLogger("livekit_utils")

# Seconds to wait for streams that do not end when they are cancelled.
_CLOSE_TIMEOUT_S = 5.0

# Reads after which a stream that never waits lets other tasks run: with empty or tiny frames it is not stopped by a
# full queue.
_READS_IN_A_ROW = 1024


class StreamReader:
    """Reads streams, and tells the mixer when a block is complete.

    Args:
        inputs: Of the mixer.
        readers: Of the mixer.
        blocks: Mixes the blocks that are complete.
        read_ahead: How far a live stream is read ahead of the mix: it must flow on while another one keeps the mix
            waiting.
        on_end: Called when a stream has ended.
    """

    def __init__(
        self,
        inputs: MixInputs[MixerInput],
        readers: MixReaders,
        blocks: BlockMixer,
        *,
        read_ahead: int,
        on_end: Callable[[MixerInput], None],
    ) -> None:
        self._inputs = inputs
        self._readers = readers
        self._blocks = blocks
        self._patience = blocks.patience
        self._read_ahead = read_ahead
        self._on_end = on_end
        self.unstarted: deque[MixerInput] = deque()
        """Streams that are not read yet."""
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, source: MixerInput) -> None:
        """Has a stream read from the next `start` on."""
        self.unstarted.append(source)

    def start(self) -> None:
        """Starts the tasks of streams that have none yet, in the running loop."""
        while self.unstarted:
            source = self.unstarted.popleft()
            if not source.ended:
                source.task = start_task(self.read(source), f"AudioMixer {source.name!r}")
                self._tasks.add(source.task)
                source.task.add_done_callback(self._tasks.discard)

    async def wait_closed(self) -> None:
        """Waits for the end of the tasks, which have been cancelled."""
        # A stream may close the mixer that reads it; its task cannot wait for itself.
        tasks = self._tasks - {asyncio.current_task()}
        if not tasks:
            return
        _, pending = await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT_S)
        for task in pending:
            logger.error("AudioMixer: %s does not end although it was cancelled", task.get_name())

    async def read(self, source: MixerInput) -> None:
        """Reads a stream until it ends, fails or is removed, and then closes what `open` made."""
        own_task = OwnTask()
        now = asyncio.get_running_loop().time
        patience = self._patience
        try:
            advance = source.open()
            source.read_on(now(), self._blocks.find_read_ahead())
            is_there = True
            while is_there:
                for _ in range(_READS_IN_A_ROW):
                    try:
                        item = await advance()
                    except StopAsyncIteration:
                        is_there = False
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
                else:
                    await asyncio.sleep(0)
            for frame in source.flush():
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
            own_task.leave_if_gone()
            logger.error("AudioMixer: %r failed and is removed: %s", source.name, error, exc_info=error)
        finally:
            source.task = None  # else task, exception, traceback and this frame would keep each other alive
            if own_task.runs:
                self._on_end(source)
            await source.close()

    def _is_read_on(self, source: MixerInput) -> bool:
        """Whether a stream is read on that has its part of the block, for one item more.

        A live stream is, up to `_read_ahead`, while others keep the mix waiting. A stream that delivers much faster
        than real time can wait: samples that were read have left their source, but are not heard yet.
        """
        if source.samples_per_channel >= self._read_ahead or source.is_held:
            return False
        return source.is_live(asyncio.get_running_loop().time())

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
            self._blocks.advance()
        elif news != NOTHING:
            self._patience.arrived(news)

    def _join(self, source: MixerInput) -> None:
        """Lets blocks wait for a stream again that delivers. Silence fills its part up to the point within the block
        that the others have reached."""
        reached = self._inputs.reached()
        source.join(asyncio.get_running_loop().time(), self._blocks.num_blocks)
        if reached < self._inputs.block:
            source.push_silence(reached)


class TimedReader(StreamReader):
    """Reads the streams of a mixer that keeps time: no block waits for what they deliver."""

    def _is_read_on(self, source: MixerInput) -> bool:
        """Whether a stream is read on that has all that it needs, for one item more: a live one is, if anybody reads
        the mix."""
        timed = cast("TimedInput", source)
        if timed.is_held or not timed.live or self._readers.is_full:
            return False
        # One that never waits is not live, whatever was said of it: it goes on after the next block.
        return timed.samples_per_channel < timed.read_ahead + timed.sample_rate

    def _arrived(self, news: int) -> None:
        pass
