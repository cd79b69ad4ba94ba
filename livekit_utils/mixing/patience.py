"""Patience: how long a block waits for streams that have not delivered their part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit_utils._runtime.deadline import Deadline
from livekit_utils.mixing.mix_input import FIRST, PART, MixInputs
from livekit_utils.mixing.mixer_input import MixerInput


class Patience:
    """Notices when streams have kept a block waiting for too long.

    Where one stream has its part, the others keep it waiting: the wait begins when that is so. Where none has, no
    stream is kept waiting, but a part of a block must not stay here for ever: the wait begins at the last arrival.

    Args:
        inputs: Of the mixer.
        timeout_s: How long a block waits.
        has_room: Tells whether somebody takes the next block. If not, nothing is waited for.
        on_due: Called when the wait is over; it is to mix without the streams that are late.
    """

    def __init__(
        self,
        inputs: MixInputs[MixerInput],
        timeout_s: float,
        has_room: Callable[[], bool],
        on_due: Callable[[], None],
    ) -> None:
        self._inputs = inputs
        self._has_room = has_room
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
            self._watch()
        elif news == PART:
            self.last_arrival = asyncio.get_running_loop().time()
            if not self.deadline.running:
                self._watch()

    def look(self) -> None:
        """Looks at what the inputs have for the next block, after anything has changed."""
        inputs = self._inputs
        was_kept_waiting, self._kept_waiting = self._kept_waiting, inputs.is_kept_waiting
        if not (inputs.num_lacking and inputs.num_holding):
            self.deadline.clear()
        elif not self.deadline.running or (was_kept_waiting and not self._kept_waiting):
            self._watch()
        elif self._kept_waiting and not was_kept_waiting:
            self.deadline.start(self.last_arrival)  # a stream has ended: what is left of it waits since it came

    def _watch(self) -> None:
        """Starts the wait for the next block, of which something is there."""
        if self._inputs.num_lacking and self._has_room():
            self._inputs.has_arrived = False
            self.last_arrival = asyncio.get_running_loop().time()
            self.deadline.start(self.last_arrival)

    def _look_again(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._kept_waiting and now < self.last_arrival + self.deadline.timeout_s:
            self.deadline.start(self.last_arrival)  # more has arrived since the wait began
            return
        was_silent = not self._inputs.has_arrived
        self._on_due()
        if was_silent and not self._kept_waiting and not self._inputs.has_arrived:
            self.deadline.expire()  # a part of a block that nothing has followed for one timeout
