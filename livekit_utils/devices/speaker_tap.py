"""SpeakerTap: a copy of the sound that the speakers are given, for the echo cancellers of the microphones."""

from __future__ import annotations

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.devices.backend.memory import LATENCY_NS, TAPPED
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.frames.audio_frame import AudioFrame

# Sound that waits for a reader, in seconds. More waits only where a microphone delivers nothing, and is too old then.
_MAX_WAITING_S = 0.5

# A speaker whose device takes nothing holds back the sound of the other speakers for this long, in seconds.
_MAX_APART_S = 0.2


class SpeakerTap:
    """Joins the speakers and the microphones of one MediaDevices; either may be opened first.

    The device's side of a speaker copies the samples that the device is given into a ring. A microphone reads them from
    there when it has a block of its own. Several speakers are mixed.

    Args:
        sample_rate, num_channels: Format of the sound that readers get.

    Threads: for one event loop.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._outputs: dict[object, _Output] = {}
        self._readers: list[TapReader] = []

    def add_output(self, speaker: object, link: DeviceLink) -> None:
        """Taps a speaker whose device was opened. A speaker that is opened again replaces itself."""
        self._outputs[speaker] = _Output(link, self._sample_rate, self._num_channels)
        self._switch_taps()

    def remove_output(self, speaker: object) -> None:
        """Forgets a speaker whose device was lost or closed."""
        self._outputs.pop(speaker, None)

    def open_reader(self) -> TapReader:
        """Returns a reader, which gets the sound from now on until it is closed."""
        reader = TapReader(self, self._sample_rate, self._num_channels)
        self._readers.append(reader)
        self._switch_taps()
        return reader

    @property
    def latency_ns(self) -> int:
        """Nanoseconds from the tap to the speaker; of the slowest speaker."""
        return max([output.words[LATENCY_NS] for output in self._outputs.values()], default=0)

    def _fetch(self) -> None:
        """Gives every reader the sound that the speakers were given since the last time."""
        outputs = self._outputs.values()
        if not outputs:
            return
        waiting = [output.fetch() for output in outputs]
        ready = max(min(waiting), max(waiting) - int(_MAX_APART_S * self._sample_rate))
        if ready > 0:
            mixed = mix([output.queue for output in outputs], ready, self._num_channels)
            for reader in self._readers:
                reader._push(mixed)

    def _close_reader(self, reader: TapReader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
        self._switch_taps()

    def _switch_taps(self) -> None:
        """Tells each device's side to copy its sound while there are readers."""
        for output in self._outputs.values():
            output.tap(bool(self._readers))


class TapReader:
    """The tapped sound that one microphone, or one player with an AudioProcessingModule, has not read yet."""

    def __init__(self, tap: SpeakerTap, sample_rate: int, num_channels: int) -> None:
        self._tap = tap
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._queue = SampleQueue(num_channels)

    def read(self, num_parts: int) -> tuple[list[AudioFrame], int]:
        """Takes the sound that the speakers were given since the last call.

        Args:
            num_parts: The number of blocks that the microphone has. Several come at once after a break; the sound that
                was played meanwhile belongs between them.

        Returns:
            The sound in `num_parts` frames of about the same length, which may be empty, and the latency of the
            speakers in nanoseconds.
        """
        self._tap._fetch()
        queued = self._queue.samples_per_channel
        parts = []
        for i in range(num_parts):
            size = queued * (i + 1) // num_parts - queued * i // num_parts
            parts.append(AudioFrame(self._queue.pop(size), self._sample_rate, self._num_channels, size))
        return parts, self._tap.latency_ns

    def clear(self) -> None:
        """Drops the sound that was played until now, such as while the microphone was lost."""
        self._tap._fetch()
        self._queue.clear()

    def close(self) -> None:
        """Ends the reading. A second call does nothing."""
        self._tap._close_reader(self)

    def _push(self, samples: bytearray) -> None:
        excess = self._queue.push(samples) - int(_MAX_WAITING_S * self._sample_rate)
        if excess > 0:
            self._queue.pop(excess)


class _Output:
    """One speaker: the ring that its device's side copies to, and the sound from there in the tap's format."""

    def __init__(self, link: DeviceLink, sample_rate: int, num_channels: int) -> None:
        info = link.info
        self.words = link.memory.words
        self.queue = GainQueue(num_channels)
        self._ring = link.memory.tap
        self._num_overruns = self._ring.overruns
        self._sample_rate, self._num_channels = info.sample_rate, info.num_channels
        self._converter: FrameConverter | None = None
        if (info.sample_rate, info.num_channels) != (sample_rate, num_channels):
            self._converter = FrameConverter(sample_rate, num_channels)

    def tap(self, wanted: bool) -> None:
        """Tells the device's side whether to copy; what an earlier reader has left is dropped."""
        if wanted and not self.words[TAPPED]:
            self._ring.clear()
            self._num_overruns = self._ring.overruns
        self.words[TAPPED] = wanted

    def fetch(self) -> int:
        """Takes the sound out of the ring; returns the samples per channel in the queue."""
        if self._ring.overruns != self._num_overruns:
            # What is there is older than what was lost, and may end within a frame of all channels.
            self._num_overruns = self._ring.overruns
            self._ring.clear()
        size = self._ring.readable // self._num_channels
        if size:
            samples = self._ring.read(size * self._num_channels)
            if self._converter is None:
                self.queue.push(samples)
            else:
                frame = AudioFrame(samples, self._sample_rate, self._num_channels, size)
                for converted in self._converter.push(frame):
                    self.queue.push(converted)
        return self.queue.samples_per_channel
