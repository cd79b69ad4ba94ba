"""AudioMixerOutput reads a mixer's blocks less some streams; MixReaders are all who read one mixer."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from typing import Any

from livekit_utils._kernels.limiter import Limiter
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.queues import EndableQueue
from livekit_utils._runtime.trouble import Trouble
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.mixing.mixer_input import MixerInput

__all__ = ["AudioMixerOutput"]

# Blocks in a row that a reader took in time, after which its next loss is logged again.
_NUM_GOOD_BLOCKS = 50


class MixQueue(EndableQueue[AudioFrame]):
    """The blocks that wait for one reader of a mixer.

    Args:
        capacity: Blocks that it keeps.
        on_room: Called when a block was read from a full queue.
        name: For the log.
        without: Names of streams, and streams, which the reader does not hear.
        limiter: Of this reader's mix.
    """

    def __init__(
        self,
        capacity: int,
        on_room: Callable[[], None],
        name: str,
        without: tuple[str | object, ...] = (),
        limiter: Limiter | None = None,
    ) -> None:
        super().__init__(capacity, on_room)
        self.blocks = self._items
        self.name = name
        self.without = without
        self.limiter = limiter
        self.left_out: list[MixerInput] = []  # the inputs of `without` that there are
        self.was_read = False  # the mixer sets both when somebody reads
        self.is_waited_for = True  # the mix waits while the queue is full
        self._num_blocks = capacity
        self._drops = Trouble(
            "AudioMixer: %s is read too slowly: blocks before the last %d are lost",
            logging.WARNING,
            num_good=_NUM_GOOD_BLOCKS,
        )
        self.num_dropped = 0

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for the next block."""
        return bool(self._readers)

    @property
    def ended(self) -> bool:
        """Whether it takes no more blocks."""
        return self._ended

    def put_block(self, block: AudioFrame) -> None:
        """Appends a block, and drops the oldest if there are too many."""
        if len(self._items) >= self._num_blocks:
            self.drop_oldest()
            self.num_dropped += 1
            if self.was_read:
                self._drops.failed(self.name, self._num_blocks)
        elif self.num_dropped:
            self._drops.good()
        self.put(block)


class MixReaders:
    """Everybody who reads a mixer: its own iteration, and its outputs.

    A block is mixed for all of them at once. It waits for a reader whose queue is full, until that reader is given up:
    so no block of a file is lost because one of two readers is slower. A queue that is not waited for drops its oldest
    block instead. When all queues are full, nobody reads, and every block waits.

    Args:
        capacity: Blocks that may wait for each reader.
        on_room: Called when a full queue was read.
        make_limiter: Makes the limiter of a reader, if there is to be one.
    """

    def __init__(self, capacity: int, on_room: Callable[[], None], make_limiter: Callable[[], Limiter | None]) -> None:
        self._make_limiter = make_limiter
        self._capacity = capacity
        self._on_room = on_room
        self.main = MixQueue(capacity, on_room, "the mixer itself", limiter=make_limiter())
        self._queues = [self.main]
        self.is_alone = True
        """Whether there is the mixer's own iteration only. No property: every block asks."""
        self._is_current = True  # every queue's `left_out` is right
        self._num_made = 0
        self._num_dropped = 0  # by outputs that are closed

    @property
    def num_outputs(self) -> int:
        """Outputs that are open."""
        self._forget_ended()
        return len(self._queues) - 1

    @property
    def num_dropped(self) -> int:
        """Blocks that nobody has read in time, summed over the readers."""
        return self._num_dropped + sum(queue.num_dropped for queue in self._queues)

    @property
    def has_room(self) -> bool:
        """Whether the next block may be mixed."""
        if self.is_alone:
            return len(self.main.blocks) < self._capacity
        has_room = False
        for queue in self._queues:
            if not queue.full:
                has_room |= not queue.ended
            elif queue.is_waited_for:
                return False
        return has_room

    @property
    def is_full(self) -> bool:
        """Whether nobody reads: every queue is full."""
        return all(queue.full or queue.ended for queue in self._queues)

    @property
    def are_kept_waiting(self) -> bool:
        """Whether a reader waits for a block."""
        return len(self._queues) > 1 and any(queue.is_awaited for queue in self._queues)

    @property
    def has_unread(self) -> bool:
        """Whether a full queue is waited for that nobody has read yet."""
        return any(queue.full and queue.is_waited_for and not queue.was_read for queue in self._queues)

    def add(self, without: tuple[str | object, ...]) -> MixQueue:
        """Makes the queue of a further output."""
        self._num_made += 1
        queue = MixQueue(self._capacity, self._on_room, f"output {self._num_made}", without, self._make_limiter())
        self._queues.append(queue)
        self.is_alone = False
        self._is_current = False
        return queue

    def give_up_unread(self) -> None:
        """Waits no longer for full queues that nobody has read yet."""
        for queue in self._queues:
            if queue.full and not queue.was_read:
                queue.is_waited_for = False

    def give_up(self) -> None:
        """Waits no longer for readers whose queues are full, until they read again."""
        for queue in self._queues:
            if queue.full:
                queue.is_waited_for = False

    def inputs_change(self) -> None:
        """An input was added to the mixer, or removed."""
        self._is_current = False

    def left_out(self, inputs: Iterable[MixerInput]) -> list[list[MixerInput]]:
        """Returns what each reader does not hear, of these inputs. Blocks are then `put` in the same order."""
        self._forget_ended()
        if not self._is_current:
            self._is_current = True
            by_key: defaultdict[str | int, list[MixerInput]] = defaultdict(list)
            for source in inputs:
                by_key[source.name].append(source)
                by_key[id(source.stream)].append(source)
            for queue in self._queues:
                keys = {key if isinstance(key, str) else id(key) for key in queue.without}
                found = [source for key in keys for source in by_key.get(key, ())]
                queue.left_out = list(dict.fromkeys(found))
        return [queue.left_out for queue in self._queues]

    def put(self, blocks: Iterable[AudioFrame]) -> None:
        """Gives each reader its block."""
        for queue, block in zip(self._queues, blocks, strict=True):
            queue.put_block(block)

    @property
    def limiters(self) -> list[Limiter] | None:
        """Those of the readers, in the same order; None if there are none."""
        limiters = [queue.limiter for queue in self._queues if queue.limiter is not None]
        return limiters or None

    def drain(self, block: int) -> Iterator[tuple[MixQueue, bytearray]]:
        """Yields what the limiters hold, in blocks for each reader."""
        for queue in self._queues:
            while queue.limiter is not None and queue.limiter.num_held and not queue.ended:
                yield queue, queue.limiter.drained(block)

    def end(self, error: BaseException | None = None) -> None:
        """Ends all readers when they have read what is there."""
        for queue in self._queues:
            queue.end(error)

    def close(self) -> None:
        """Ends all readers at once."""
        for queue in self._queues:
            queue.close()

    def _forget_ended(self) -> None:
        ended = [queue for queue in self._queues if queue.ended and queue is not self.main]
        for queue in ended:
            self._queues.remove(queue)
            self._num_dropped += queue.num_dropped
        self.is_alone = len(self._queues) == 1


@public
class AudioMixerOutput(AsyncClosing, AsyncIterator[AudioFrame]):
    """Iterates over the blocks of an AudioMixer less some of its streams. `AudioMixer.output` makes it.

    It begins with the first block that is mixed after it was made, and ends with the mixer. It may be closed, or simply
    not be used any more: then it is gone, and the mixer and its other outputs go on.

    Threads: for the event loop of its mixer. Several tasks may read it; each block goes to one of them.
    """

    def __init__(
        self,
        mixer: AsyncIterator[AudioFrame],
        queue: MixQueue,
        on_read: Callable[[MixQueue], None],
        on_close: Callable[[bool], None],
    ) -> None:
        self._mixer = mixer
        self._queue = queue
        self._on_read = on_read
        self._on_close = on_close

    @property
    def mixer(self) -> AsyncIterator[AudioFrame]:
        """The mixer whose blocks these are."""
        return self._mixer

    @property
    def num_dropped(self) -> int:
        """Blocks that were not read in time, and made room for later ones."""
        return self._queue.num_dropped

    async def aclose(self) -> None:
        """Ends the output and drops its blocks. Iterations end, also those that are waiting. A second call does
        nothing."""
        if not self._closed:
            self._closed = True
            self._queue.close()
            self._on_close(False)

    def __aiter__(self) -> AudioMixerOutput:
        return self

    async def __anext__(self) -> AudioFrame:
        if not self._queue.ended:
            self._on_read(self._queue)
        return await self._queue.get()

    def __del__(self) -> None:
        # In whichever thread.
        if not self._closed and hasattr(self, "_on_close"):
            self._queue.close()
            self._on_close(True)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "ended" if self._queue.ended else "open"
        return f"AudioMixerOutput(queued_blocks={len(self._queue)}, {state})"


def check_without(without: Any) -> tuple[str | object, ...]:
    """Returns the streams and names that an output is to do without.

    Raises:
        TypeError: It is no stream, no name, and no collection of them.
    """
    if without is None:
        return ()
    if _is_key(without):
        return (without,)
    if isinstance(without, Collection) and not isinstance(without, (bytes, bytearray, memoryview)):
        keys = tuple(without)
        for key in keys:
            if not _is_key(key):
                raise TypeError(f"without: expected streams and names, got a collection with {type(key).__name__}")
        return keys
    raise TypeError(f"without: expected a stream, its name, or a collection of them, got {type(without).__name__}")


def _is_key(item: object) -> bool:
    return isinstance(item, str) or hasattr(type(item), "__anext__") or hasattr(type(item), "__aiter__")
