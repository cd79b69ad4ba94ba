"""resample_audio, the engine "auto", the variable of the environment, and bytes instead of frames."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioResampler, combine_audio_frames, resample_audio
from tests.support.randomness import Rand

VARIABLE = "LIVEKIT_UTILS_RESAMPLER"
RATES = [(48000, 16000), (16000, 48000), (44100, 48000), (44100, 44101), (48000, 48000), (8000, 11025), (3, 5)]


def streamed(data: bytes, rates: tuple[int, int], num_channels: int, **options: Any) -> bytes:
    """What a resampler gives for the whole in one push."""
    resampler = AudioResampler(*rates, num_channels=num_channels, **options)
    frames = resampler.push(data) + resampler.flush()
    return bytes(combine_audio_frames(frames).data) if frames else b""


class TestResampleAudio:
    @pytest.mark.parametrize("rates", RATES)
    @pytest.mark.parametrize("num_channels", [1, 2, 3])
    @pytest.mark.parametrize("num_samples", [0, 1, 7, 4800, 30011])
    @pytest.mark.parametrize("engine", ["auto", "samplerate"])
    def test_it_is_what_a_resampler_gives(
        self, rand: Rand, rates: tuple[int, int], num_channels: int, num_samples: int, engine: Any
    ) -> None:
        if rates == (3, 5) and num_samples > 5000:
            pytest.skip("a part of it is a sample")
        data = rand.pcm(num_samples * num_channels)
        out = resample_audio(data, *rates, num_channels=num_channels, engine=engine)
        assert type(out) is bytes
        assert out == streamed(data, rates, num_channels, engine=engine)
        assert len(out) == 2 * num_channels * round(num_samples * rates[1] / rates[0])

    @pytest.mark.parametrize("quality", ["quick", "low", "medium", "high", "very_high"])
    def test_the_quality(self, rand: Rand, quality: str) -> None:
        data = rand.pcm(9600)
        expected = streamed(data, (48000, 16000), 1, quality=quality, engine="auto")
        assert resample_audio(data, 48000, 16000, quality=quality) == expected

    def test_each_kind_of_data(self, rand: Rand) -> None:
        data = rand.pcm(960)
        expected = streamed(data, (48000, 16000), 2, engine="auto")
        buffers: list[Any] = [
            data,
            bytearray(data),
            memoryview(data),
            memoryview(data).cast("h"),
            array.array("h", data),
        ]
        for buffer in buffers:
            out = resample_audio(buffer, 48000, 16000, num_channels=2)
            assert type(out) is bytes
            assert out == expected
        flat = np.frombuffer(data, np.int16)
        strided = np.zeros((480, 4), np.int16)
        strided[:, ::2] = flat.reshape(-1, 2)
        for array_in, shape in ((flat, (320,)), (flat.reshape(-1, 2), (160, 2)), (strided[:, ::2], (160, 2))):
            taken = resample_audio(array_in, 48000, 16000, num_channels=2)
            assert (taken.dtype, taken.shape, taken.tobytes()) == (np.int16, shape, expected)
            taken[:] = 0  # it is the caller's own

    @pytest.mark.parametrize("num_channels", [1, 2])
    def test_a_frame_brings_its_channels(self, rand: Rand, num_channels: int) -> None:
        data = rand.pcm(480 * num_channels)

        class Foreign:
            sample_rate, samples_per_channel = 48000, 480

        foreign = Foreign()
        foreign.data, foreign.num_channels = data, num_channels  # type: ignore[attr-defined]
        for frame in (AudioFrame(data, 48000, num_channels, 480), foreign):
            out = resample_audio(frame, 48000, 44100)  # type: ignore[call-overload]
            assert type(out) is AudioFrame
            assert (out.sample_rate, out.num_channels, out.samples_per_channel) == (44100, num_channels, 441)
            assert bytes(out.data) == streamed(data, (48000, 44100), num_channels, engine="auto")

    def test_equal_rates_give_a_copy(self) -> None:
        data = bytearray(b"1234")
        frame = resample_audio(AudioFrame(data, 48000, 1, 2), 48000, 48000)
        array_out = resample_audio(np.frombuffer(data, np.int16), 48000, 48000)
        data[:] = b"...."
        assert bytes(frame.data) == array_out.tobytes() == b"1234"

    @pytest.mark.parametrize(
        ("data", "error", "message"),
        [
            (b"123", ValueError, "expected whole 16-bit samples of 1 channels, got 3 bytes"),
            (AudioFrame.create(44100, 1, 441), ValueError, "expected a frame of 48000 Hz, got 44100 Hz"),
            (np.zeros(4, np.float32), TypeError, "expected an array of int16, got one of float32"),
            (np.zeros((4, 0), np.int16), ValueError, "num_channels"),
            ("text", TypeError, "expected a frame, an array or a C-contiguous buffer"),
            (memoryview(b"12345678")[::2], TypeError, "C-contiguous"),
        ],
    )
    def test_data_that_it_does_not_take(self, data: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=f"^data: .*{message}"):
            resample_audio(data, 48000, 16000)


class TestEngine:
    def test_auto(self) -> None:
        for rates in RATES:
            made = AudioResampler(*rates, engine="auto")
            assert made.engine == AudioResampler.engine_for(*rates)
            assert made.engine == ("samplerate" if rates == (44100, 44101) else "polyphase")

    def test_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for unset in (True, False):
            if unset:
                monkeypatch.delenv(VARIABLE, raising=False)
            else:
                monkeypatch.setenv(VARIABLE, "")
            assert AudioResampler(48000, 16000).engine == "samplerate"

    @pytest.mark.parametrize("choice", ["auto", "polyphase", "samplerate"])
    def test_the_environment_sets_the_default(self, monkeypatch: pytest.MonkeyPatch, choice: str) -> None:
        monkeypatch.setenv(VARIABLE, choice)
        assert AudioResampler(48000, 16000).engine == ("samplerate" if choice == "samplerate" else "polyphase")
        assert AudioResampler(48000, 16000, engine="samplerate").engine == "samplerate"
        assert AudioResampler(48000, 16000, engine="polyphase").engine == "polyphase"

    def test_a_ratio_that_the_environment_does_not_cover(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, "auto")
        assert AudioResampler(44100, 44101).engine == "samplerate"
        monkeypatch.setenv(VARIABLE, "polyphase")
        with pytest.raises(ValueError, match=rf"got 44101 Hz; {VARIABLE}=auto converts them$"):
            AudioResampler(44100, 44101)
        with pytest.raises(ValueError, match=r'got 44101 Hz; engine="samplerate" converts them$'):
            AudioResampler(44100, 44101, engine="polyphase")

    def test_a_value_that_makes_no_sense(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, "fast")
        with pytest.raises(ValueError, match=f"^{VARIABLE}: expected one of samplerate, polyphase, auto, got 'fast'"):
            AudioResampler(48000, 16000)
        assert AudioResampler(48000, 16000, engine="auto").engine == "polyphase"
        assert len(resample_audio(bytes(96), 48000, 16000)) == 32


@pytest.mark.parametrize("engine", ["samplerate", "polyphase"])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_bytes_instead_of_frames(rand: Rand, engine: Any, num_channels: int) -> None:
    frames, plain = (AudioResampler(48000, 16000, num_channels=num_channels, engine=engine) for _ in range(2))
    for num_samples in (0, 1, 480, 3000):
        data = rand.pcm(num_samples * num_channels)
        taken: Any = plain.push_bytes(data)
        assert type(taken) is bytes
        assert taken == b"".join(bytes(frame.data) for frame in frames.push(data))
    assert plain.flush_bytes() == b"".join(bytes(frame.data) for frame in frames.flush()) != b""
    assert plain.flush_bytes() == b""
