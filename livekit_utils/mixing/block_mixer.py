"""BlockMixer mixes the blocks of an AudioMixer: each when it is complete, or when it is time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from livekit_utils._kernels.gain_queue import mix, mix_each
from livekit_utils._runtime.deadline import Deadline
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.mixing.block_clock import BlockClock
from livekit_utils.mixing.loudest import Loudest
from livekit_utils.mixing.mix_input import MixInputs
from livekit_utils.mixing.mixer_input import MixerInput
from livekit_utils.mixing.outputs import MixQueue, MixReaders
from livekit_utils.mixing.patience import Patience
from livekit_utils.mixing.shaping import Shaping
from livekit_utils.mixing.timed_input import TimedInput
from livekit_utils.mixing.timed_queue import begin_block, end_block

logger = logging.getLogger("livekit_utils")

# A mix that goes this many times faster than real time is not heard as it goes.
_FASTER_THAN_LIVE = 4


class BlockMixer:
    """Mixes blocks for everybody who reads, and waits neither for streams nor for readers that have stopped.

    Args:
        inputs: Of the mixer.
        readers: Of the mixer.
        sample_rate: Hz.
        num_channels: Of the mix.
        timeout_s: How long a block waits for a stream, or for a reader.
        num_loudest: How many streams are heard; None for all.
        keeps_time: Whether blocks are mixed by a clock.
        read_ahead: How far streams are read ahead of a mix that goes much faster than real time.
        remove: Takes a stream out of the mixer.
        forget: Takes an input out that is spent.
    """

    def __init__(
        self,
        inputs: MixInputs[MixerInput],
        readers: MixReaders,
        *,
        sample_rate: int,
        num_channels: int,
        timeout_s: float,
        num_loudest: int | None,
        keeps_time: bool,
        read_ahead: int,
        remove: Callable[[MixerInput], None],
        forget: Callable[[MixerInput], None],
    ) -> None:
        self._inputs = inputs
        self._readers = readers
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._block = inputs.block
        self._read_ahead = read_ahead
        self._forget = forget
        self.clock = BlockClock(self._block, sample_rate, self._keep_time) if keeps_time else None
        self._loudest = Loudest(num_loudest, sample_rate, self._block) if num_loudest is not None else None
        self.patience = Patience(inputs, readers, timeout_s, self._give_up_waiting)
        self._held_up = Deadline(timeout_s, self._give_up_readers)  # by a reader that is slower than the others
        self.shaping = Shaping(self._block, sample_rate, num_channels, timeout_s, remove, self.advance)
        self.num_blocks = 0
        """Blocks mixed."""
        self.num_unread = 0
        """Blocks that were due when nobody read."""
        self._seen_blocks, self._seen_at = 0, 0.0  # blocks mixed, and when, at the last look at the pace
        self._is_paced = True  # blocks go out about in real time

    def close(self) -> None:
        """Mixes no more on its own."""
        self.patience.deadline.close()
        self._held_up.close()
        if self.clock is not None:
            self.clock.close()

    def end(self) -> None:
        """Ends the readers, with what the limiters hold."""
        self.close()
        try:
            for queue, samples in self._readers.drain(self._block):
                queue.put(AudioFrame(samples, self._sample_rate, self._num_channels, self._block))
        except MemoryError as error:
            self._readers.end(error)  # the readers must not wait for a block that cannot be made
        else:
            self._readers.end()

    def active_speakers(self) -> list[str]:
        """Returns the names of the streams that are heard and not silent, loudest first."""
        inputs = self._inputs.all
        if self._loudest is None:
            self._loudest = Loudest(None, self._sample_rate, self._block)
            for source in inputs:
                source.power = (source.level[1] / 32768 * source.gain) ** 2
        return self._loudest.speakers(inputs)

    def find_read_ahead(self) -> int:
        """How far a stream is read ahead at first: to its part of a block, unless blocks go out much faster than real
        time. Then all streams are read on, for the sake of speed."""
        num_blocks = self.num_blocks - self._seen_blocks
        if num_blocks:
            now = asyncio.get_running_loop().time()
            least_s = num_blocks * self._block / self._sample_rate / _FASTER_THAN_LIVE
            self._is_paced = now - self._seen_at > least_s
            self._seen_blocks, self._seen_at = self.num_blocks, now
        return self._block if self._is_paced else self._read_ahead

    def advance(self) -> None:
        """Mixes every block that is complete, then starts the wait for the next one."""
        if self.clock is not None:
            return  # it mixes
        inputs, readers = self._inputs, self._readers
        has_mixed = False
        while inputs.has_block and readers.has_room:
            try:
                self._mix(inputs.all)
            except MemoryError as error:
                readers.end(error)  # the readers must not wait for a block that cannot be made
                return
            has_mixed = True
            if inputs.num_expected < len(inputs):
                self._settle()
            if self.shaping.leaving:
                self.shaping.after_block()
        if inputs.num_starved:
            now, read_ahead = asyncio.get_running_loop().time(), self.find_read_ahead()
            for source in inputs.starved():
                source.read_on(now, read_ahead)
            inputs.has_arrived = True  # streams that were not read could not deliver
        self.patience.look(has_mixed)
        if not readers.is_alone:
            self.watch_readers(readers.are_kept_waiting)

    def look_after(self, queue: MixQueue) -> None:
        """One of several readers is about to take a block."""
        if self.clock is None and self._inputs.has_block and not queue.blocks:
            if self._readers.has_room:
                self.advance()
            else:
                self.watch_readers(True)

    def watch_readers(self, somebody_waits: bool) -> None:
        """Has readers given up, if there is a block that somebody waits for and others have no room for."""
        if not (somebody_waits and self._inputs.has_block):
            self._held_up.clear()
        elif self._readers.has_unread:
            # Whoever is about to read does so before this; nobody else is waited for.
            asyncio.get_running_loop().call_soon(self._give_up_unread)
        elif not self._held_up.running:
            self._held_up.start(asyncio.get_running_loop().time())

    def _mix(self, inputs: list[MixerInput]) -> None:
        """Mixes the next block of these inputs, for everybody who reads."""
        readers = self._readers
        shaping = self.shaping
        if shaping.is_active:
            shaping.before_block(inputs)
        if self._loudest is not None:
            self._loudest.look(inputs)
        if readers.is_alone:
            samples = mix(inputs, self._block, self._num_channels, readers.main.limiter)
            readers.main.put(AudioFrame(samples, self._sample_rate, self._num_channels, self._block))
        else:
            left_out = readers.left_out(self._inputs.all)
            mixes = mix_each(inputs, self._block, self._num_channels, left_out, readers.limiters)
            readers.put([AudioFrame(samples, self._sample_rate, self._num_channels, self._block) for samples in mixes])
        self.num_blocks += 1

    def _keep_time(self) -> None:
        """Mixes a block of what there is, because it is time."""
        if self._readers.is_full:
            self.num_unread += 1
            return
        now = asyncio.get_running_loop().time()
        inputs = list(self._inputs.all)
        try:
            self._mix(begin_block(inputs, now))
        except MemoryError as error:
            self.close()
            self._readers.end(error)  # the readers must not wait for a block that cannot be made
            return
        sources = cast("list[TimedInput]", end_block(inputs))
        for source in sources:
            source.end_block()
        if self.shaping.leaving:
            self.shaping.after_block()
        for source in sources:
            if source.ended and source.is_spent:
                self._forget(source)
            elif (
                source.paused and not source.is_held and (source.live or source.samples_per_channel < source.read_ahead)
            ):
                source.read_on(now, source.read_ahead)

    def _give_up_unread(self) -> None:
        self._readers.give_up_unread()
        self.advance()

    def _give_up_readers(self) -> None:
        self._readers.give_up()
        self.advance()

    def _settle(self) -> None:
        """Counts late streams and removes ended ones, after a block that did not have a part of every stream."""
        for source in list(self._inputs.all):
            source.num_late_blocks += source.late
            if source.ended and source.is_spent:
                self._forget(source)

    def _give_up_waiting(self) -> None:
        """Mixes without the streams that keep the others waiting.

        One that has joined meanwhile is not late: it begins later, so that the block ends with what it has delivered.
        """
        earliest = asyncio.get_running_loop().time() - self.patience.deadline.timeout_s
        for source in self._inputs.all:
            missing = self._block - source.samples_per_channel
            if source.expected and missing > 0 and not source.is_held:
                if source.joined_at > earliest and source.joined_in == self.num_blocks:
                    source.begin_later(missing)
                else:
                    self._leave_out(source)
        self.advance()

    def _leave_out(self, source: MixerInput) -> None:
        """Lets no block wait for a stream that is late, until it goes on."""
        for rest in source.flush():  # what its conversion holds back would come after the pause
            source.push(rest)
        source.await_join()
        source.late = True
        # A stream whose source is idle is expected to be late.
        level = logging.INFO if getattr(source.stream, "idle", False) is True else logging.WARNING
        logger.log(
            level,
            "AudioMixer: %r is more than %g ms late and silent until it goes on",
            source.name,
            self.patience.deadline.timeout_s * 1000,
        )
