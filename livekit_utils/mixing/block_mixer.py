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
from livekit_utils.mixing.outputs import MixReaders
from livekit_utils.mixing.patience import Patience
from livekit_utils.mixing.shaping import Shaping
from livekit_utils.mixing.timed_input import TimedInput
from livekit_utils.mixing.timed_queue import begin_block, end_block

logger = logging.getLogger("livekit_utils")


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
        find_read_ahead: Tells how far streams are read ahead.
        forget: Takes an input out of the mixer.
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
        find_read_ahead: Callable[[], int],
        forget: Callable[[MixerInput], None],
    ) -> None:
        self._inputs = inputs
        self._readers = readers
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._block = inputs.block
        self._find_read_ahead = find_read_ahead
        self._forget = forget
        self.clock = BlockClock(self._block, sample_rate, self._keep_time) if keeps_time else None
        self._loudest = Loudest(num_loudest, sample_rate, self._block) if num_loudest is not None else None
        self.patience = Patience(inputs, timeout_s, lambda: readers.has_room, self._give_up_waiting)
        self._held_up = Deadline(timeout_s, self._give_up_readers)  # by a reader that is slower than the others
        self.shaping = Shaping(self._block, sample_rate, num_channels, timeout_s, forget, self.advance)
        self.num_blocks = 0
        """Blocks mixed."""
        self.num_unread = 0
        """Blocks that were due when nobody read."""

    def close(self) -> None:
        """Mixes no more on its own."""
        self.patience.deadline.close()
        self._held_up.close()
        if self.clock is not None:
            self.clock.close()

    def active_speakers(self) -> list[str]:
        """The names of the streams that are heard and not silent, loudest first."""
