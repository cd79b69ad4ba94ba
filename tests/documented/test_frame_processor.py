"""The example of `FrameProcessor`."""

from __future__ import annotations

from tests.support.virtual_time import run


def test_gain_processor() -> None:
    from livekit_utils import FrameProcessor, AudioFrame  # noqa: I001
    import numpy as np

    class GainProcessor(FrameProcessor[AudioFrame]):
        """Custom audio gain processor."""

        def __init__(self, gain: float = 1.0):
            self._enabled = True
            self._gain = gain

        @property
        def enabled(self) -> bool:
            return self._enabled

        @enabled.setter
        def enabled(self, value: bool) -> None:
            self._enabled = value

        def set_gain(self, gain: float) -> None:
            """Set gain multiplier."""
            self._gain = gain

        def _process(self, frame: AudioFrame) -> AudioFrame:
            """Apply gain to audio frame."""
            if not self._enabled or self._gain == 1.0:
                return frame

            # Convert to numpy array
            samples = np.frombuffer(frame.data, dtype=np.int16)

            # Apply gain
            samples = samples.astype(np.float32) * self._gain  # type: ignore[assignment]

            # Clamp and convert back
            samples = np.clip(samples, -32768, 32767).astype(np.int16)

            # Create new frame with processed data
            return AudioFrame(
                samples.tobytes(),
                frame.sample_rate,
                frame.num_channels,
                frame.samples_per_channel,
            )

        def _close(self) -> None:
            """Cleanup resources."""

    from livekit_utils import AudioSource, AudioStream, LocalAudioTrack

    async def main() -> list[int]:
        source = AudioSource(48000, 1)
        track = LocalAudioTrack.create_audio_track("voice", source)

        # Usage
        processor = GainProcessor(gain=1.5)  # 150% volume
        stream = AudioStream(track, noise_cancellation=processor)

        heard = []
        for gain in (1.5, 4.0, 1.0):
            processor.set_gain(gain)
            await source.capture_frame(AudioFrame(np.full(480, 20000 // 3, np.int16), 48000, 1, 480))
            heard.append((await anext(stream)).frame.data[0])
        processor.enabled = False
        await source.aclose()
        await stream.aclose()
        return heard

    assert run(main()) == [9999, 26664, 6666]
