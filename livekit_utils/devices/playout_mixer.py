"""PlayoutMixer: what an OutputPlayer gives the device next."""

from __future__ import annotations

from livekit_utils.devices.playout_input import PlayoutInput
from livekit_utils.mixing.mix_input import mix_inputs


class PlayoutMixer:
    """Mixes what is to be heard, block by block, as the device takes it.

    A block is made when every input that is being heard has its part of it. One that lacks its part is waited for a
    little, as long as the device does not run dry; then the block is made of what there is, and that input is not
    waited for until it starts over. So the device is the clock, and nobody holds up anybody.

    Args:
        block: Frames (samples per channel) of a block.
        target: Frames to be queued before the device.
        patience_s: How long one that is late may keep the others waiting.
    """

    def __init__(self, num_channels: int, block: int, target: int, patience_s: float) -> None:
        self._num_channels = num_channels
        self._block = block
        self._target = target
        self._patience_s = patience_s
        self._waiting_since: float | None = None
        self.inputs: list[PlayoutInput] = []

    @property
    def waits_until(self) -> float | None:
        """When the next block is made at the latest, where it waits for an input."""
        return None if self._waiting_since is None else self._waiting_since + self._patience_s

    @property
    def cares_below(self) -> int:
        """With no fewer frames than that before the device, `next_block` does nothing."""
        if any(source.can_go_on(self._block) for source in self.inputs):
            return self._target
        # One that runs dry is to be known as soon as it is.
        return self._block // 2 if any(source.playing for source in self.inputs) else 0

    def next_block(self, level: int, now: float) -> bytearray | None:
        """A block to be queued before the device, where `level` frames are now; None where none is due."""
        if level >= self._target:
            return None
        playing = self._playing(level, now)
        late = [source for source in playing if source.num_frames < self._block and not source.ended]
        if late and len(late) < len(playing) and level >= self._block // 2:
            if self._waiting_since is None:
                self._waiting_since = now
            if now < self._waiting_since + self._patience_s:
                return None
        elif late and level >= self._block // 2:
            return None  # nobody waits for it but the device, which has enough
        self._waiting_since = None
        mixed = self._mix(playing) if any(source.num_frames for source in playing) else None
        for source in late:
            source.run_dry(now)
        for source in playing:
            source.make_room(level + self._block)
        self.inputs = [source for source in self.inputs if source.num_frames or not source.ended]
        return mixed

    def _playing(self, level: int, now: float) -> list[PlayoutInput]:
        for source in self.inputs:
            source.review(level, now)
            if not source.playing:
                source.make_room(level)
                if source.is_ready(level, now):
                    source.start(now)
        return [source for source in self.inputs if source.playing]

    def _mix(self, playing: list[PlayoutInput]) -> bytearray:
        parts = [source.queue for source in playing]
        parts += [source.tail for source in playing if source.tail.num_frames]
        return mix_inputs(parts, self._block, self._num_channels)
