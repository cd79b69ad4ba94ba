"""Patience: how long a block waits for streams that have not delivered their part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit_utils._runtime.deadline import Deadline
from livekit_utils.mixing.mix_input import FIRST, PART, MixInputs
from livekit_utils.mixing.mixer_input import MixerInput
from livekit_utils.mixing.outputs import MixReaders


class Patience:
    """Notices when streams have kept a block waiting for too long.

    Where one stream has its part, the others keep it waiting: the wait begins when that is so. Where none has, no
    stream is kept waiting, but a part of a block must not stay here for ever: the wait begins at the last arrival.

    Args:
        inputs: Of the mixer.
        readers: Of the mixer. If nobody takes the next block, nothing is waited for.
        timeout_s: How long a block waits.
        on_due: Called when the wait is over; it is to mix without the streams that are late.
    """

    def __init__(
        self,
        inputs: MixInputs[MixerInput],
        readers: MixReaders,
        timeout_s: float,
        on_due: Callable[[], None],
    ) -> None:
        self._inputs = inputs
        self._readers = readers
        self._on_due = on_due
        self.deadline = Deadline(timeout_s, self._look_again)
        self.last_arrival = 0.0
        """Time of the last arrival, while no stream is kept waiting."""
        # Whether some input has its part of the next block, so that the others keep it waiting.
        self._kept_waiting = False

    def arrived(self, news: int) -> None:
        """Samples have come that do not complete a block; `news` says which."""
        if news == FIRST:
            self._kept_waiting = True
            self._begin()
        elif news == PART:
            self.last_arrival = asyncio.get_running_loop().time()
            if not self.deadline.running:
                self._begin()

    def look(self, is_new_block: bool) -> None:
        """Looks at what the inputs have for the next block, after anything has changed.

        Args:
            is_new_block: Whether a block was mixed. The next one has a wait of its own.
        """
        inputs = self._inputs
        was_kept_waiting, self._kept_waiting = self._kept_waiting, inputs.is_kept_waiting
        if not inputs.has_piece:
            self.deadline.clear()
        elif is_new_block or not self.deadline.running or (was_kept_waiting and not self._kept_waiting):
            self._begin()
        elif self._kept_waiting and not was_kept_waiting:
            self.deadline.start(self.last_arrival)  # a stream has ended: what is left of it waits since it came

    def _begin(self) -> None:
        """Begins the wait for the next block, of which something is there."""
        if self._readers.has_room:
            self._inputs.has_arrived = False
            self.last_arrival = asyncio.get_running_loop().time()
            self.deadline.start(self.last_arrival)
        else:
            self.deadline.clear()

    def _look_again(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._kept_waiting and now < self.last_arrival + self.deadline.timeout_s:
            self.deadline.start(self.last_arrival)  # more has arrived since the wait began
            return
        was_silent = not self._inputs.has_arrived
        self._on_due()
        if was_silent and not self._kept_waiting and not self._inputs.has_arrived:
            self.deadline.expire()  # a part of a block that nothing has followed for one timeout
