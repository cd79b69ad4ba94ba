"""SpeakerReference: what the speakers are given, for the echo cancellers of the microphones."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.devices.backend.memory import TAPPED
from livekit_utils.devices.device_stream import DeviceStream
from livekit_utils.frames.audio_frame import AudioFrame

# More than this waits only where a microphone did not move.
_MAX_WAITING_S = 0.5


class SpeakerReader:
    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._queue = SampleQueue(num_channels)

    def push(self, samples: bytearray) -> None:
        excess = self._queue.push(samples) - int(_MAX_WAITING_S * self._sample_rate)
        if excess > 0:
            self._queue.pop(excess)

    def read(self, num_parts: int) -> list[AudioFrame]:
        """All there is, in so many parts of about the same length, one for each block of the microphone: where many
        blocks have come at once, as they do after a break, what was played belongs between them."""
        num_frames = self._queue.num_frames
        parts = []
        for i in range(num_parts):
            size = num_frames * (i + 1) // num_parts - num_frames * i // num_parts
            parts.append(AudioFrame(self._queue.pop(size), self._sample_rate, self._num_channels, size))
        return parts

    def clear(self) -> None:
        """Forgets what was played while the microphone did not move."""
        self._queue.clear()


# A speaker that does not move keeps the sound of the others from the microphones for so long.
_MAX_APART_S = 0.2


@dataclass(frozen=True, slots=True)
class _Output:
    converter: FrameConverter
    queue: GainQueue


class SpeakerReference:
    """Joins the speakers and the microphones of one MediaDevices, in whichever order they are opened.

    A speaker's side copies what the device is given into a tap, to the sample; a microphone fetches that as it comes to
    its own blocks. Of several speakers, it is their sum.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._outputs: dict[DeviceStream, _Output] = {}
        self._readers: list[SpeakerReader] = []

    @property
    def latency(self) -> float:
        """Seconds from what is fetched here to the speaker."""
        return max((stream.latency for stream in self._outputs), default=0.0)

    def add_output(self, stream: DeviceStream) -> None:
        """A speaker was opened, perhaps anew."""
        converter = FrameConverter(self._sample_rate, self._num_channels)
        self._outputs[stream] = _Output(converter, GainQueue(self._num_channels))
        self._tap(stream)

    def remove_output(self, stream: DeviceStream) -> None:
        """It was lost or closed."""
        self._outputs.pop(stream, None)

    def open_reader(self) -> SpeakerReader:
        reader = SpeakerReader(self._sample_rate, self._num_channels)
        self._readers.append(reader)
        for stream in self._outputs:
            self._tap(stream)
        return reader

    def close_reader(self, reader: SpeakerReader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
        for stream in self._outputs:
            self._tap(stream)

    def fetch(self) -> None:
        """Gives every reader what the speakers were given since."""
        for stream, output in self._outputs.items():
            _empty_tap(stream, output)
        queues = [output.queue for output in self._outputs.values()]
        if not queues:
            return
        longest = max(queue.num_frames for queue in queues)
        num_frames = max(min(queue.num_frames for queue in queues), longest - int(_MAX_APART_S * self._sample_rate))
        if num_frames > 0:
            mixed = mix(queues, num_frames, self._num_channels)
            for reader in self._readers:
                reader.push(mixed)

    def _tap(self, stream: DeviceStream) -> None:
        """Has the speaker's side copy what it is given, or not, as there are readers or none."""
        memory = stream.memory
        if memory is None:
            return
        if self._readers and not memory.words[TAPPED]:
            memory.tap.clear()
        memory.words[TAPPED] = bool(self._readers)


def _empty_tap(stream: DeviceStream, output: _Output) -> None:
    memory, info = stream.memory, stream.info
    if memory is None or info is None:
        return
    num_frames = memory.tap.readable // info.num_channels
    if num_frames:
        samples = memory.tap.read(num_frames * info.num_channels)
        for frame in output.converter.push(AudioFrame(samples, info.sample_rate, info.num_channels, num_frames)):
            output.queue.push(frame)
