"""InputCapture and MediaDevices on a sound card in virtual time."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import numpy as np
import pytest

from livekit_utils import (
    AudioFrame,
    AudioMixer,
    AudioStream,
    DeviceError,
    DeviceState,
    InputCapture,
    LocalAudioTrack,
    MediaDevices,
)
from livekit_utils._kernels.ring_buffer import RingBuffer
from livekit_utils.tracks.conversions import Conversions
from tests.support.randomness import Rand
from tests.support.sound_card import SoundCard, plug_in, refusal
from tests.support.virtual_time import run

RATE = 48000
PLAIN = {"enable_aec": False, "noise_suppression": False, "high_pass_filter": False, "auto_gain_control": False}


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


def devices(**options: Any) -> MediaDevices:
    return MediaDevices(**{"blocksize": 480, **options})


async def listen(capture: InputCapture, seconds: float, rate: int = RATE, channels: int = 1) -> list[AudioFrame]:
    """What comes out of a track on its source meanwhile."""
    track = LocalAudioTrack.create_audio_track("microphone", capture.source)
    async with AudioStream(track, sample_rate=rate, num_channels=channels) as stream:
        got: list[AudioFrame] = []

        async def read() -> None:
            async for event in stream:
                got.append(event.frame)

        reading = asyncio.create_task(read())
        await asyncio.sleep(seconds)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return got


def joined(frames: list[AudioFrame]) -> np.ndarray:
    return np.concatenate([np.asarray(frame) for frame in frames])


def ramp(num_samples: int, channels: int = 1) -> np.ndarray:
    one = (np.arange(num_samples) % 30000 + 1).astype(np.int16)
    return np.stack([np.roll(one, 7 * i) for i in range(channels)], axis=1)


@pytest.mark.parametrize("block", [120, 256, 480, 1000, 2400, 4800])
def test_every_sample_comes_in_frames_of_10_ms(card: SoundCard, block: int) -> None:
    samples = ramp(RATE)

    async def main() -> None:
        async with devices(blocksize=block).open_input(**PLAIN) as capture:
            card.workers[0].incoming = samples.tobytes()
            got = await listen(capture, 1.3)
            assert {frame.samples_per_channel for frame in got} == {480}
            assert np.array_equal(joined(got)[: len(samples)], samples)
            assert capture.stats().dropped_ms == 0
            assert capture.stats().num_frames >= 100
            await capture.source.aclose()

    run(main())


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_every_rate_has_frames_of_10_ms(card: SoundCard, rate: int) -> None:
    async def main() -> None:
        async with devices(input_sample_rate=rate, blocksize=rate // 50).open_input(**PLAIN) as capture:
            card.workers[0].incoming = ramp(rate // 2).tobytes()
            got = await listen(capture, 0.7, rate)
            assert {frame.samples_per_channel for frame in got} == {rate // 100}
            assert np.array_equal(joined(got)[: rate // 2], ramp(rate // 2))
            await capture.source.aclose()

    run(main())


@pytest.mark.parametrize(("index", "channels"), [(0, 1), (1, 1), (3, 1), (2, 2)])
def test_one_channel_is_picked(card: SoundCard, index: int, channels: int) -> None:
    async def main() -> None:
        opened = devices(num_channels=channels).open_input(**PLAIN, input_channel_index=index)
        async with opened as capture:
            assert card.requests[0].num_channels == max(2, index + 1)
            samples = ramp(4800, max(2, index + 1))
            card.workers[0].incoming = samples.tobytes()
            got = joined(await listen(capture, 0.3, channels=channels))[:4800]
            assert np.array_equal(got, np.repeat(samples[:, index : index + 1], channels, axis=1))
            await capture.source.aclose()

    run(main())


@pytest.mark.parametrize(("there", "wanted"), [(1, 2), (2, 1), (4, 1), (4, 2), (6, 1), (6, 4)])
def test_a_device_of_another_channel_count(monkeypatch: pytest.MonkeyPatch, there: int, wanted: int) -> None:
    card = plug_in(monkeypatch, SoundCard(num_channels=there))
    samples = ramp(4800, there)
    expected = samples[:, :wanted]
    if there == 1:
        expected = np.repeat(samples, wanted, axis=1)
    elif (there, wanted) == (2, 1):
        expected = np.rint(samples.mean(axis=1, keepdims=True)).astype(np.int16)

    async def main() -> None:
        async with devices(num_channels=wanted).open_input(**PLAIN) as capture:
            card.workers[0].incoming = samples.tobytes()
            got = joined(await listen(capture, 0.3, channels=wanted))[:4800]
            assert np.abs(got.astype(int) - expected).max() <= (1 if wanted == 1 else 0)
            await capture.source.aclose()

    run(main())


def test_a_device_of_another_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    card = plug_in(monkeypatch, SoundCard(44100))
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)).astype(np.int16)

    async def main() -> None:
        async with devices().open_input(**PLAIN) as capture:
            card.workers[0].incoming = tone.tobytes()
            got = joined(await listen(capture, 1.2))[:48000, 0]
            spectrum = np.abs(np.fft.rfft(got * np.hanning(len(got))))
            assert abs(np.argmax(spectrum) * RATE / len(got) - 440) < 2
            await capture.source.aclose()

    run(main())


def test_a_loop_that_is_held_up_gets_all_or_the_newest(card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with devices().open_input(**PLAIN, queue_capacity=50) as capture:
            await asyncio.sleep(0.1)
            card.workers[0].stop()  # its side goes on below; the loop does not
            await asyncio.sleep(0.01)
            ring, before = card.workers[0].memory.ring, capture.stats().num_frames
            ring.write(ramp(480 * 30))
            card.workers[0].on_wake()
            await asyncio.sleep(0.1)
            assert capture.stats().num_frames == before + 30
            assert capture.stats().dropped_ms == 0
            ring.write(ramp(480 * 80))
            card.workers[0].on_wake()
            await asyncio.sleep(0.1)
            assert capture.stats().num_frames == before + 80
            assert capture.stats().dropped_ms == 300
            fill(ring)
            ring.write(ramp(480))
            card.workers[0].on_wake()
            await asyncio.sleep(0.1)
            assert capture.stats().num_frames == before + 80  # all that is there is older than what was lost
            assert capture.stats().dropped_ms > 1000
            await capture.source.aclose()

    run(main())
    assert sum("dropped" in record.getMessage() for record in caplog.records) == 1


def fill(ring: RingBuffer) -> None:
    ring.write(bytes(ring.writable * 2))


def num_warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum("dropped" in record.getMessage() for record in caplog.records)


def test_small_losses_are_counted_and_said_once(card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
    """16 blocks of 12 ms, of which a queue of 10 ms takes 10 each."""

    async def main() -> None:
        async with devices(blocksize=576).open_input(**PLAIN, queue_capacity=1) as capture:
            await asyncio.sleep(16 * 0.012 + 0.001)
            assert (capture.stats().num_frames, capture.stats().dropped_ms) == (16, 32)
            await capture.source.aclose()

    run(main())
    assert num_warnings(caplog) == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_a_ring_that_overflows_is_counted_to_the_sample(
    card: SoundCard, caplog: pytest.LogCaptureFixture, channels: int
) -> None:
    """What comes afterwards is whole again, each channel where it was, although the ring ended within a frame."""
    samples = ramp(4800, channels)

    async def main() -> None:
        async with devices(num_channels=channels).open_input(**PLAIN) as capture:
            worker = card.workers[0]
            await asyncio.sleep(0.1)
            worker.stop()
            await asyncio.sleep(0)
            before = capture.stats()
            assert before.dropped_ms == 0
            for _ in range(500):  # 5 s while the loop is held up
                worker.memory.ring.write(np.ones((480, channels), np.int16))
            worker.on_wake()
            assert capture.stats().dropped_ms == 5000
            assert capture.stats().num_frames == before.num_frames
            worker.incoming = samples.tobytes()
            worker.listen(asyncio.get_running_loop(), worker.on_wake, worker.on_end)
            got = joined(await listen(capture, 0.2, channels=channels))
            assert np.array_equal(got[np.flatnonzero(got[:, 0])[0] :][:4800], samples)
            assert capture.stats().dropped_ms == 5000
            await capture.source.aclose()

    run(main())
    assert num_warnings(caplog) == 1


@pytest.mark.parametrize("block", [480, 577])
@pytest.mark.parametrize("index", [None, 1])
def test_captured_and_dropped_are_all_that_was_delivered(
    card: SoundCard, block: int, index: int | None, rand: Rand
) -> None:
    """Over losses of the device, breaks of the loop, a source that refuses, and the close."""

    async def main() -> None:
        options = {"queue_capacity": 5, "input_channel_index": index}
        async with devices(blocksize=block).open_input(**PLAIN, **options) as capture:
            loop: Any = asyncio.get_running_loop()
            for _ in range(20):
                worker = card.workers[-1]
                match rand.randrange(4):
                    case 0:
                        worker.lose("unplugged")
                        await asyncio.sleep(0.3)
                    case 1:
                        capture.source.pause()
                        await asyncio.sleep(rand.uniform(0, 2))
                        capture.source.resume()
                    case 2:
                        worker.memory.ring.write(bytes(2 * worker.info.num_channels * rand.randrange(100_000)))
                        worker.on_wake()
                    case 3:
                        loop.block(rand.uniform(0, 0.2))
                await asyncio.sleep(rand.uniform(0, 0.1))
            if rand.random() < 0.5:
                await capture.source.aclose()
                await asyncio.sleep(0.1)
            await capture.aclose()
            stats = capture.stats()
            rings = [(worker.memory.ring, worker.info.num_channels) for worker in card.workers]
            delivered = sum((ring.num_written + ring.overrun_samples) / channels for ring, channels in rings)
            taken_ms = 10 * (stats.num_frames + stats.num_refused) + stats.dropped_ms
            assert taken_ms == pytest.approx(delivered * 1000 / RATE)
            await capture.source.aclose()

    run(main())


def test_a_source_that_refuses_is_said_once_and_counted(card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with devices().open_input(**PLAIN) as capture:
            await asyncio.sleep(0.1)
            await capture.source.aclose()
            await asyncio.sleep(0.1)
            assert capture.stats().num_refused >= 9
            assert not capture.task.done()

    run(main())
    assert sum("refuses" in record.getMessage() for record in caplog.records) == 1


def test_a_lost_microphone_comes_back_in_the_same_source(card: SoundCard) -> None:
    async def main() -> None:
        changes = []
        async with devices().open_input(**PLAIN, input_device="headset") as capture:
            capture.on_state_change(changes.append)
            track = LocalAudioTrack.create_audio_track("microphone", capture.source)
            async with AudioStream(track) as stream:
                await asyncio.sleep(0.2)
                card.refusals = [refusal()] * 2
                card.workers[0].lose("unplugged")
                await asyncio.sleep(0.05)
                assert (capture.state, capture.reason) == (DeviceState.LOST, "unplugged")
                await asyncio.sleep(1)
                assert capture.state is DeviceState.RECOVERED
                card.workers[1].incoming = ramp(4800).tobytes()
                await asyncio.sleep(0.2)
                count = capture.stats().num_frames
                got = joined([(await anext(stream)).frame for _ in range(count)])
                assert np.array_equal(got[np.flatnonzero(got[:, 0])][:4800], ramp(4800))
            assert [change.state for change in changes] == ["running", "lost", "recovered"]
            assert {change.device for change in changes} == {"headset"}
            await capture.source.aclose()

    run(main())


def test_closing_leaves_nothing(card: SoundCard) -> None:
    async def main() -> None:
        capture = await devices().aopen_input(**PLAIN)

        async def changes() -> list[DeviceState]:
            return [change.state async for change in capture.state_changes()]

        seen = asyncio.create_task(changes())
        await asyncio.sleep(0.1)
        closing = asyncio.create_task(capture.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await capture.aclose()
        await capture.aclose()
        assert await seen == [DeviceState.RUNNING, DeviceState.CLOSED]
        assert card.workers[0].num_closed == 1
        assert capture.task.done()
        assert capture.state is DeviceState.CLOSED
        assert capture.source.queued_duration == 0  # it is the caller's
        await capture.source.aclose()

    run(main())


def test_what_cannot_be_opened_raises_and_leaves_nothing(card: SoundCard) -> None:
    async def main() -> None:
        card.refusals = [refusal("there is no input device 99"), refusal("there is no input device 99")]
        with pytest.raises(DeviceError, match="99"):
            devices().open_input(**PLAIN, input_device=99)
        with pytest.raises(DeviceError, match="99"):
            await devices().aopen_input(**PLAIN, input_device=99)
        assert not card.workers

    run(main())


def test_a_cancelled_open_closes_what_was_opened(card: SoundCard) -> None:
    async def main() -> None:
        opening = asyncio.create_task(devices().aopen_input(**PLAIN))
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        assert card.workers[0].num_closed == 1

    run(main())


class Processing:
    """Notes in which order it is told what."""

    echo_cancellation = True

    def __init__(self, **stages: bool) -> None:
        self.calls: list[tuple[str, np.ndarray]] = []
        self.delays: list[float] = []
        self.closed = False

    def process(self, frame: AudioFrame, reference: AudioFrame | None, delay_s: float) -> None:
        if reference is not None and reference.samples_per_channel:
            self.delays.append(delay_s)
            self.calls.append(("played", np.array(reference)))
        self.calls.append(("captured", np.array(frame)))

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("output_first", [True, False])
def test_the_echo_canceller_hears_what_the_speaker_was_given(
    card: SoundCard, monkeypatch: pytest.MonkeyPatch, output_first: bool, rand: Rand
) -> None:
    monkeypatch.setattr("livekit_utils.voice.audio_processing_module.AudioProcessingModule", Processing)

    async def main() -> None:
        both = devices()
        player = both.open_output()
        source = both.open_output()  # a second speaker: their sum
        if output_first:
            await player.start()
        await asyncio.sleep(0.004)  # so that blocks of both never come at the same time
        capture = both.open_input()
        await asyncio.sleep(0.004)
        await player.start()
        processing: Any = capture.apm
        samples = ramp(RATE, 1)

        async def stream() -> Any:
            yield AudioFrame(samples.tobytes(), RATE, 1, len(samples))

        await asyncio.sleep(0.2)
        del processing.calls[:]
        player.add_stream(stream())
        await player.wait_for_playout()
        await asyncio.sleep(0.1)
        played = np.concatenate([call for kind, call in processing.calls if kind == "played"])[:, 0]
        there = np.flatnonzero(played)
        assert np.array_equal(played[there[0] : there[-1] + 1], samples[:, 0])
        # For each 10 ms of the microphone 10 ms of the speaker, alternating.
        kinds = [kind for kind, _ in processing.calls]
        assert all(kinds[i] != kinds[i + 1] for i in range(len(kinds) - 1))
        assert processing.delays[-1] == 0.04  # 20 ms here and 20 ms there
        # A loop that is held up finds both sides full, and brings them together.
        speaker_card = next(worker for worker in card.workers if not worker.is_input)
        microphone = next(worker for worker in card.workers if worker.is_input)
        await asyncio.sleep(0.005)
        speaker_card.stop()
        microphone.stop()
        del processing.calls[:]
        microphone.memory.ring.write(ramp(480 * 10))
        speaker_card.memory.tap.write(ramp(480 * 10))
        microphone.on_wake()
        await asyncio.sleep(0.1)
        kinds = [kind for kind, _ in processing.calls]
        assert kinds == ["played", "captured"] * 10
        await source.aclose()
        await player.aclose()
        await capture.aclose()
        assert processing.closed
        await capture.source.aclose()

    run(main())


def test_processing_that_fails_lets_frames_pass(
    card: SoundCard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Processing):
        echo_cancellation = False

        def process(self, frame: AudioFrame, reference: AudioFrame | None, delay_s: float) -> None:
            raise OSError("broken")

    monkeypatch.setattr("livekit_utils.voice.audio_processing_module.AudioProcessingModule", Failing)

    async def main() -> None:
        async with devices().open_input() as capture:
            card.workers[0].incoming = ramp(4800).tobytes()
            got = joined(await listen(capture, 0.3))
            assert np.array_equal(got[:4800], ramp(4800))
            assert capture.stats().num_unprocessed == capture.stats().num_frames
            await capture.source.aclose()

    run(main())
    assert sum("broken" in record.getMessage() for record in caplog.records) == 1


def test_wrong_arguments(card: SoundCard) -> None:
    for options in ({"input_sample_rate": 0}, {"output_sample_rate": 10}, {"num_channels": 0}, {"blocksize": -1}):
        with pytest.raises(ValueError, match="expected"):
            MediaDevices(**options)

    async def main() -> None:
        for options in ({"queue_capacity": 0}, {"input_channel_index": -1}, {"input_channel_index": 64}):
            with pytest.raises(ValueError, match="expected"):
                devices().open_input(**PLAIN, **options)
        for device in (True, 1.5, b"mic"):
            with pytest.raises(TypeError, match="device"):
                devices().open_input(**PLAIN, input_device=device)
            with pytest.raises(TypeError, match="device"):
                devices().open_output(output_device=device)

    run(main())
    with pytest.raises(RuntimeError, match="no running event loop"):
        devices().open_input(**PLAIN)


def test_states_are_said_in_the_log(card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with devices().open_input(**PLAIN) as capture:
            await asyncio.sleep(0.1)
            card.workers[0].lose("unplugged")
            await asyncio.sleep(0.5)
            await capture.source.aclose()

    with caplog.at_level(logging.INFO, "livekit_utils"):
        run(main())
    said = [record.getMessage() for record in caplog.records if "microphone" in record.getMessage()]
    assert [line.split(": ")[1] for line in said] == ["running", "lost", "recovered", "closed"]


class TestAsyncFor:
    """`async for frame in capture`."""

    @pytest.mark.parametrize(("rate", "channels"), [(48000, 1), (16000, 2)])
    def test_every_frame_comes_to_each_loop(self, card: SoundCard, rate: int, channels: int) -> None:
        samples = ramp(rate, channels)

        async def main() -> None:
            made = devices(input_sample_rate=rate, num_channels=channels, blocksize=rate // 20)
            async with made.open_input(**PLAIN) as capture:
                card.workers[0].incoming = samples.tobytes()

                async def read() -> list[AudioFrame]:
                    return [frame async for frame in capture]

                readers = [asyncio.create_task(read()) for _ in range(2)]
                await asyncio.sleep(1.3)
                await capture.aclose()
                one, other = await asyncio.wait_for(asyncio.gather(*readers), 0.1)
                assert type(one[0]) is AudioFrame
                assert {(frame.sample_rate, frame.samples_per_channel) for frame in one} == {(rate, rate // 100)}
                for got in (one, other):
                    assert np.array_equal(joined(got)[: len(samples)], samples)
                assert not np.shares_memory(np.asarray(one[0]), np.asarray(other[0]))
                assert capture.stats().num_unread == 0
                await capture.source.aclose()

        run(main())

    def test_a_loop_that_is_held_up_finds_the_newest(self, card: SoundCard, caplog: pytest.LogCaptureFixture) -> None:
        async def main() -> None:
            async with devices().open_input(**PLAIN, queue_capacity=5) as capture:
                card.workers[0].incoming = ramp(RATE).tobytes()
                got: list[AudioFrame] = []
                async for frame in capture:
                    got.append(frame)
                    if len(got) == 10:
                        await asyncio.sleep(0.5)
                    if len(got) == 30:
                        break
                at = [int(np.asarray(frame)[0, 0]) - 1 for frame in got]
                assert at[:10] == list(range(0, 4800, 480))
                # 50 have come meanwhile, and 5 have waited.
                assert at[10:] == [(10 + 45 + n) * 480 % 30000 for n in range(20)]
                assert capture.stats().num_unread == 45
                await capture.source.aclose()

        run(main())
        assert len([record for record in caplog.records if "read too slowly" in record.message]) == 1

    def test_it_ends_with_the_capture_and_after_what_is_queued(self, card: SoundCard) -> None:
        async def main() -> None:
            capture = devices().open_input(**PLAIN)
            iterator = aiter(capture)
            first = await anext(iterator)
            await asyncio.sleep(0.1)
            await capture.aclose()
            rest = [frame async for frame in iterator]
            assert first.samples_per_channel == 480
            assert 9 <= len(rest) <= 10
            assert [frame async for frame in capture] == []
            await capture.source.aclose()

        run(main())

    def test_a_loop_that_waits_ends_at_once(self, card: SoundCard) -> None:
        async def main() -> None:
            capture = devices().open_input(**PLAIN)
            card.workers[0].stop()  # nothing comes
            waiting = asyncio.create_task(anext(aiter(capture), None))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await capture.aclose()
            assert await asyncio.wait_for(waiting, 0.1) is None
            await capture.source.aclose()

        run(main())

    def test_it_ends_with_the_source(self, card: SoundCard) -> None:
        async def main() -> None:
            async with devices().open_input(**PLAIN) as capture:
                got = []
                async for frame in capture:
                    got.append(frame)
                    if len(got) == 3:
                        await capture.source.aclose()
                assert len(got) >= 3

        run(main())

    @pytest.mark.parametrize("how", ["cancel", "break", "aclose"])
    def test_a_loop_that_is_left_leaves_no_stream(self, card: SoundCard, how: str) -> None:
        async def main() -> None:
            async with devices().open_input(**PLAIN) as capture:

                async def read() -> None:
                    async for _ in capture:
                        if how == "break":
                            break

                if how == "aclose":
                    iterator = aiter(capture)
                    await anext(iterator)
                    await iterator.aclose()
                else:
                    reading = asyncio.create_task(read())
                    await asyncio.sleep(0.055)
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
                await asyncio.sleep(0.01)
                assert capture._readers == set()
                # What was raised may keep the track, which has no stream any more.
                assert not any(len(cast(Conversions, sink)) for sink in capture.source._fan_out.alive())
                # The next one begins with what comes then.
                assert (await anext(aiter(capture))).samples_per_channel == 480
                await capture.source.aclose()

        run(main())

    def test_a_mixer_takes_a_capture(self, card: SoundCard) -> None:
        async def main() -> None:
            async with devices().open_input(**PLAIN) as capture, AudioMixer(RATE, 1, blocksize=480) as mixer:
                card.workers[0].incoming = ramp(RATE).tobytes()
                mixer.add_stream(capture)
                got = joined([await anext(mixer) for _ in range(20)])
                start = int(got[0, 0]) - 1
                assert np.array_equal(got, ramp(RATE)[start : start + 20 * 480])
                await capture.source.aclose()

        run(main())
