"""VoiceProcessor: cleans each stream that it is given to, whatever its frames are like."""

from __future__ import annotations

import asyncio
import math
import shutil
import threading
from typing import Any

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioProcessingModule,
    AudioSource,
    AudioStream,
    FrameProcessor,
    LocalAudioTrack,
    VoiceProcessor,
    noise_generator,
)
from tests.support.acoustics import Samples, noise, samples, speech
from tests.support.noise_reduction import VOICE_RMS, measure, noises, voice, with_ours
from tests.support.randomness import Rand
from tests.support.virtual_time import run

pytest.importorskip("pywebrtc_audio")

NOISE_RMS = 330.0  # -40 dBFS


def frames_of(pcm: Samples, rate: int, sizes: Any, num_channels: int = 1) -> list[AudioFrame]:
    """Frames of these lengths in turn, up to the last sample."""
    frames, start, turn = [], 0, 0
    rows = pcm.reshape(-1, num_channels)
    while start < len(rows):
        part = rows[start : start + sizes[turn % len(sizes)]]
        frames.append(AudioFrame(part.tobytes(), rate, num_channels, len(part)))
        start, turn = start + len(part), turn + 1
    return frames


def processed(processor: Any, frames: list[AudioFrame]) -> Samples:
    return np.concatenate([np.frombuffer(processor._process(frame).data, np.int16) for frame in frames])


def level(pcm: Samples) -> float:
    return 10 * math.log10(np.mean(pcm.astype(float) ** 2) / 32768**2)


@pytest.mark.parametrize("rate", [1000, 8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_noise_is_lowered_at_any_rate(rate: int, num_channels: int) -> None:
    pcm = samples(noise(rate * num_channels, 3, seed=3, rms=NOISE_RMS))
    frames = frames_of(pcm, rate, [rate // 100], num_channels)
    processor = VoiceProcessor()
    out = processed(processor, frames)
    assert len(out) == len(pcm)
    late = rate * num_channels
    assert level(out[-late:]) < level(pcm[-late:]) - 10
    stats = processor.stats()
    assert stats.reduction_db == pytest.approx(12, abs=1.5)
    assert stats.input_level_dbfs == pytest.approx(-40, abs=0.5)
    assert stats.output_level_dbfs == pytest.approx(level(out[-late:]), abs=0.5)
    assert stats.speech_probability is not None
    if rate > 1000:  # noise that is 500 Hz wide varies as a voice does
        assert stats.speech_probability < 0.2
    assert stats.gain_db == 0
    assert stats.latency_ms == processor.latency_ms


@pytest.mark.parametrize("sizes", [[480], [960], [441], [1], [160, 480, 7], [5000]], ids=str)
@pytest.mark.parametrize("rate", [16000, 48000, 44100])
def test_the_delay_is_what_it_says(rate: int, sizes: list[int]) -> None:
    """The frames that come out are as long as those that go in, and match the voice `latency_ms` before."""
    pcm = samples(speech(rate, 0.6, seed=2))
    processor = VoiceProcessor(high_pass_filter=False)
    frames = frames_of(pcm, rate, sizes)
    lengths = [frame.samples_per_channel for frame in frames]
    out = processed(processor, frames)
    assert [frame.samples_per_channel for frame in frames] == lengths
    spectrum = np.fft.rfft(out, 2 * len(pcm)) * np.fft.rfft(pcm, 2 * len(pcm)).conj()
    delay = int(np.argmax(np.fft.irfft(spectrum)))
    assert 1000 * delay / rate == pytest.approx(processor.latency_ms, abs=0.1)


def test_how_the_stream_is_cut_does_not_matter(rand: Rand) -> None:
    pcm = samples(noise(48000, 1, seed=4))
    whole = processed(VoiceProcessor(), frames_of(pcm, 48000, [480]))
    sizes = [rand.randint(1, 1500) for _ in range(50)]
    sizes[0] = 7
    cut = processed(VoiceProcessor(), frames_of(pcm, 48000, sizes))
    assert np.array_equal(cut[480:], whole[:-480]), rand


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("level_db", [5, 10, 20])
def test_noise_goes_and_the_voice_stays(level_db: float) -> None:
    """At least 10 dB of noise, and at most 0.5 dB of the voice: the mean of four noises."""
    clean = voice("en")
    figures = []
    for _, sound in noises(len(clean)):
        scale = VOICE_RMS / sound.std() * 10 ** (-level_db / 20)
        figures.append(measure(with_ours(1), clean, sound * scale))
    before, after, reduction, loss, _ = np.mean(figures, axis=0)
    assert reduction >= 10
    assert loss <= 0.5
    assert after > before + 0.5


@pytest.mark.parametrize(("rate", "num_channels"), [(16000, 1), (48000, 2), (100, 1), (48000, 17)])
def test_a_frame_without_samples_changes_nothing(rate: int, num_channels: int) -> None:
    """Of whatever format: the noise is not learnt again."""
    pcm = samples(noise(48000, 1, 5))
    expected = processed(VoiceProcessor(), frames_of(pcm, 48000, [480]))
    frames = frames_of(pcm, 48000, [480])
    frames.insert(60, AudioFrame.create(rate, num_channels, 0))
    assert np.array_equal(processed(VoiceProcessor(), frames), expected)


def test_a_frame_is_changed_in_place() -> None:
    frame = AudioFrame(samples(noise(48000, 0.01, seed=1)).tobytes(), 48000, 1, 480, userdata={"timestamp": 5})
    assert VoiceProcessor()._process(frame) is frame
    assert frame.userdata == {"timestamp": 5}
    empty = AudioFrame(b"", 48000, 1, 0)
    assert VoiceProcessor()._process(empty).samples_per_channel == 0


def test_switched_off_frames_pass_at_once() -> None:
    pcm = samples(noise(48000, 1, seed=1))
    processor = VoiceProcessor()
    assert processor.enabled
    processed(processor, frames_of(pcm, 48000, [480]))
    processor.enabled = False
    assert np.array_equal(processed(processor, frames_of(pcm, 48000, [480])), pcm)
    processor.enabled = True
    again = processed(processor, frames_of(pcm, 48000, [480]))
    assert np.array_equal(again, processed(VoiceProcessor(), frames_of(pcm, 48000, [480]))), "old sound comes out"


def test_gain_control_raises_a_quiet_voice() -> None:
    pcm = samples(speech(48000, 8, seed=3, rms=200))
    processor = VoiceProcessor(auto_gain_control=True)
    processed(processor, frames_of(pcm, 48000, [480]))
    assert processor.stats().gain_db > 6


def test_the_high_pass_filter_alone_takes_no_time() -> None:
    processor = VoiceProcessor(noise_suppression=False)
    processed(processor, frames_of(samples(noise(48000, 0.1, seed=1)), 48000, [480]))
    assert processor.latency_ms == 0
    assert processor.stats().speech_probability is None
    assert processor.stats().reduction_db == 0


def test_before_the_first_frame() -> None:
    processor = VoiceProcessor()
    assert processor.latency_ms == pytest.approx(7, abs=0.5)
    stats = processor.stats()
    assert (stats.input_level_dbfs, stats.output_level_dbfs) == (-math.inf, -math.inf)
    assert stats.speech_probability is None


def test_models() -> None:
    assert VoiceProcessor(model="webrtc").model == "webrtc"
    with pytest.raises(ValueError, match="model: expected 'webrtc', got 'magic'"):
        VoiceProcessor(model="magic")
    with pytest.raises(TypeError, match="model: expected a str"):
        VoiceProcessor(model=None)  # type: ignore[arg-type]


def test_it_is_closed() -> None:
    processor = VoiceProcessor()
    frame = AudioFrame.create(48000, 1, 480)
    processor._process(frame)
    processor.close()
    asyncio.run(processor.aclose())
    with pytest.raises(RuntimeError, match="this VoiceProcessor is closed"):
        processor._process(frame)
    assert "closed" in repr(processor)
    assert processor.stats().input_level_dbfs == -math.inf


@pytest.mark.parametrize(("rate", "num_channels"), [(999, 1), (384_001, 1), (48000, 17)])
def test_formats_that_it_cannot_process(rate: int, num_channels: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        VoiceProcessor()._process(AudioFrame.create(rate, num_channels, 100))


# -- a state for each stream -------------------------------------------------------------------------------------------


async def through(processor: Any, pcms: list[Samples], **arguments: Any) -> list[Samples]:
    """What streams of ours give, with one processor for all of them."""
    sources = [AudioSource(48000, 1, 10_000) for _ in pcms]
    tracks = [LocalAudioTrack.create_audio_track("a", source) for source in sources]
    streams = [AudioStream(track, noise_cancellation=processor, **arguments) for track in tracks]
    for source, pcm in zip(sources, pcms, strict=True):
        await source.capture_frame(AudioFrame(pcm.tobytes(), 48000, 1, len(pcm)))
    for source in sources:
        await source.wait_for_playout()
        await source.aclose()
    outs = [np.concatenate([np.asarray(event.frame).ravel() async for event in stream]) for stream in streams]
    assert [stream.stats().num_processor_failures for stream in streams] == [0] * len(streams)
    for stream in streams:
        await stream.aclose()
    return outs


def test_streams_of_ours_do_not_mix() -> None:
    pcms = [samples(speech(48000, 1, seed=1)), samples(noise(48000, 1, seed=2, rms=NOISE_RMS))]
    alone = [run(through(VoiceProcessor(), [pcm]))[0] for pcm in pcms]
    together = run(through(VoiceProcessor(), pcms))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_tasks_do_not_mix() -> None:
    """The SDK's streams have a task each, which calls the processor."""
    pcms = [samples(speech(48000, 0.5, seed=1)), samples(noise(48000, 0.5, seed=2, rms=NOISE_RMS))]
    alone = [processed(VoiceProcessor(), frames_of(pcm, 48000, [480])) for pcm in pcms]

    async def read(processor: VoiceProcessor, pcm: Samples) -> Samples:
        out = []
        for frame in frames_of(pcm, 48000, [480]):
            out.append(np.frombuffer(processor._process(frame).data, np.int16))
            await asyncio.sleep(0)
        return np.concatenate(out)

    async def main() -> list[Samples]:
        processor = VoiceProcessor()
        together = await asyncio.gather(*[read(processor, pcm) for pcm in pcms])
        await asyncio.sleep(0)
        assert not [task for task in processor._by_task if task.done() and task is not asyncio.current_task()]
        return together

    for one, other in zip(alone, run(main()), strict=True):
        assert np.array_equal(one, other)


def test_threads_do_not_mix() -> None:
    pcms = [samples(noise(48000, 0.5, seed=seed, rms=NOISE_RMS)) for seed in range(4)]
    alone = [run(through(VoiceProcessor(), [pcm]))[0] for pcm in pcms]
    processor, outs = VoiceProcessor(), {}

    def work(number: int) -> None:
        outs[number] = run(through(processor, [pcms[number]]))[0]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, out in enumerate(alone):
        assert np.array_equal(outs[number], out)


def test_a_stream_that_closes_its_processor_leaves_it_to_others() -> None:
    async def main() -> None:
        processor = VoiceProcessor()
        pcm = samples(noise(48000, 0.1, seed=2))
        first = await through(processor, [pcm])
        processor._close()  # as the SDK's streams do
        second = await through(processor, [pcm])
        assert np.array_equal(first[0], second[0])

    run(main())


def test_closing_frees_the_states_of_all_streams() -> None:
    processor = VoiceProcessor()
    streams = [processor._for_stream() for _ in range(3)]
    for stream in streams:
        stream._process(AudioFrame.create(48000, 1, 480))
    processor.close()
    assert [stream._state._chain for stream in streams] == [None] * 3
    with pytest.raises(RuntimeError, match="closed"):
        streams[0]._process(AudioFrame.create(48000, 1, 480))


def test_the_stream_that_was_processed_last_has_the_stats() -> None:
    processor = VoiceProcessor()

    async def main() -> None:
        loud = samples(noise(48000, 0.1, seed=2, rms=3300))
        source = AudioSource(48000, 1, 1000)
        stream = AudioStream(
            LocalAudioTrack.create_audio_track("a", source), noise_cancellation=processor, frame_size_ms=20
        )
        await source.capture_frame(AudioFrame(loud.tobytes(), 48000, 1, len(loud)))
        await source.wait_for_playout()
        assert processor.stats().input_level_dbfs == pytest.approx(-20, abs=1)
        await stream.aclose()
        await source.aclose()

    run(main())


# -- the module itself as a processor ----------------------------------------------------------------------------------


def test_the_stats_stay_when_a_stream_is_closed() -> None:
    processor = VoiceProcessor()

    async def main() -> None:
        source = AudioSource(48000, 1)
        track = LocalAudioTrack.create_audio_track("voice", source)
        async with AudioStream(track, noise_cancellation=processor) as stream:
            async for frame in noise_generator(1, amplitude=0.05, seed=1):
                await source.capture_frame(frame)
            await source.wait_for_playout()
            stats = processor.stats()
            assert stats.reduction_db > 6
            assert stream is not None
        assert processor.stats() == stats
        await source.aclose()

    run(main())


def test_what_a_subclass_does_is_done_in_our_streams() -> None:
    class Louder(VoiceProcessor):
        num_calls = 0

        def _process(self, frame: AudioFrame) -> AudioFrame:
            self.num_calls += 1
            return super()._process(frame)

    processor = Louder()

    async def main() -> None:
        source = AudioSource(48000, 1)
        async with AudioStream(
            LocalAudioTrack.create_audio_track("voice", source), noise_cancellation=processor
        ) as stream:
            await source.capture_frame(AudioFrame.create(48000, 1, 4800))
            await source.wait_for_playout()
            assert stream is not None
        await source.aclose()

    run(main())
    assert processor.num_calls == 10


def test_an_audio_processing_module_is_a_processor() -> None:
    pcm = samples(noise(48000, 3, seed=2, rms=NOISE_RMS))
    apm = AudioProcessingModule(noise_suppression=True)
    assert isinstance(apm, FrameProcessor)
    (out,) = run(through(apm, [pcm], auto_close_noise_cancellation=False))
    assert level(out[-48000:]) < level(pcm[-48000:]) - 10
    assert apm.enabled
    apm.enabled = False
    (out,) = run(through(apm, [pcm]))
    assert np.array_equal(out, pcm)
    with pytest.raises(RuntimeError, match="closed"):
        apm.process_stream(AudioFrame.create(48000, 1, 480))
