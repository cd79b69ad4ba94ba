"""Media utilities for Python voice agents: frames, mixing, resampling; compiled, and without a server.

A name is imported from its module when it is first used: `import livekit_utils` alone loads neither asyncio nor any
compiled module.
"""

import os as _os
from importlib import import_module as _import_module

__version__ = "0.1.0"

# Every public name, by the module that defines it. `python tools/face.py` writes the stubs for type checkers from it.
_PUBLIC = {
    "_kernels.ring_buffer": ("RingBuffer",),
    "conversion.audio_resampler": ("AudioResampler",),
    "conversion.engines": ("AudioResamplerQuality",),
    "conversion.resample_audio": ("resample_audio",),
    "devices.backend.request": ("DeviceError",),
    "devices.defaults": ("BLOCKSIZE", "DEFAULT_CHANNELS", "DEFAULT_SAMPLE_RATE", "FRAME_SAMPLES"),
    "devices.device_state": ("DeviceState", "DeviceStateChange"),
    "devices.gap_meter": ("InputGap",),
    "devices.input_capture": ("InputCapture", "InputCaptureStats"),
    "devices.media_devices": ("MediaDevices",),
    "devices.output_player": ("OutputPlayer", "OutputPlayerStats"),
    "files.audio_file": ("AudioFile",),
    "files.audio_stream_decoder": ("AudioStreamDecoder",),
    "filters.audio_filter": ("AudioFilter",),
    "filters.audio_filter_session": ("AudioFilterSession", "AudioFilterSessionStats"),
    "filters.description": ("AudioStreamInfo", "NoiseCancellationOptions"),
    "filters.frame_processor": ("FrameProcessor",),
    "filters.include": ("get_include",),
    "filters.status": ("AudioFilterError", "AudioFilterLoadState", "AudioFilterState"),
    "frames.audio_frame": ("AudioFrame", "combine_audio_frames"),
    "frames.channel_map": ("map_channels",),
    "frames.livekit_frames": ("from_livekit", "to_livekit"),
    "frames.video_frame": ("VideoFrame",),
    "frames.video_types": ("VideoBufferType", "VideoRotation"),
    "mixing.audio_mixer": ("AudioMixer",),
    "mixing.mix_audio_frames": ("mix_audio_frames",),
    "mixing.mixer_input": ("AudioMixerStats", "AudioMixerStreamStats"),
    "mixing.outputs": ("AudioMixerOutput",),
    "playback.media_player": ("MediaPlayer", "MediaPlayerStats"),
    "signals.dtmf_detector": ("DtmfDetector", "DtmfDigit"),
    "signals.dtmf_generator": ("dtmf_generator",),
    "signals.loudness_meter": ("LoudnessMeter",),
    "signals.noise": ("noise_generator",),
    "signals.silence": ("silence_generator",),
    "signals.sine_wave": ("sine_wave_generator",),
    "recording.recorder": ("Recorder", "RecorderStats"),
    "recording.video_lane": ("RecorderVideoStats",),
    "recording.voice": ("RecorderStreamStats",),
    "sync.av_synchronizer": ("AVSynchronizer", "LatePolicy"),
    "sync.show_record": ("AVSynchronizerStats",),
    "telephony.audio_byte_stream": ("AudioByteStream",),
    "telephony.g711": ("decode_alaw", "decode_ulaw", "encode_alaw", "encode_ulaw"),
    "telephony.telephony_codec": ("TelephonyCodec",),
    "tracks.audio_source": ("AudioSource", "AudioSourceStats"),
    "tracks.audio_stream": ("AudioStream", "AudioStreamStats"),
    "tracks.events": ("AudioFrameEvent", "VideoFrameEvent"),
    "tracks.track": ("LocalAudioTrack", "LocalVideoTrack", "Track", "TrackKind"),
    "tracks.video_source": ("VideoSource",),
    "tracks.video_stream": ("VideoStream", "VideoStreamStats"),
    "voice.audio_processing_module": ("AudioProcessingModule",),
    "voice.trim_silence": ("trim_silence",),
    "voice.voice_activity_detector": ("VoiceActivity", "VoiceActivityDetector"),
    "voice.voice_processor": ("VoiceProcessor", "VoiceProcessorStats"),
    "voice.stages": ("AudioProcessingModuleStats",),
}
_HOMES = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]: it reads the stub

if _os.path.exists(_os.path.join(__path__[0], "utils.py")):
    import warnings as _warnings

    from livekit_utils._runtime.install import OVERLAID as _OVERLAID

    _warnings.warn(_OVERLAID, RuntimeWarning, stacklevel=2)


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value: object = getattr(_import_module(f"{__name__}.{home}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(__name__):
            raise
        from livekit_utils._runtime.install import not_compiled

        raise ImportError(not_compiled(error.name, __path__[0])) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
