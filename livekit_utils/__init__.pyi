# Written by tools/face.py from the tables of names.

from livekit_utils._kernels.ring_buffer import RingBuffer
from livekit_utils.conversion.audio_resampler import AudioResampler
from livekit_utils.conversion.engines import AudioResamplerQuality
from livekit_utils.conversion.resample_audio import resample_audio
from livekit_utils.devices.backend.request import DeviceError
from livekit_utils.devices.defaults import BLOCKSIZE, DEFAULT_CHANNELS, DEFAULT_SAMPLE_RATE, FRAME_SAMPLES
from livekit_utils.devices.device_state import DeviceState, DeviceStateChange
from livekit_utils.devices.gap_meter import InputGap
from livekit_utils.devices.input_capture import InputCapture, InputCaptureStats
from livekit_utils.devices.media_devices import MediaDevices
from livekit_utils.devices.output_player import OutputPlayer, OutputPlayerStats
from livekit_utils.files.audio_file import AudioFile
from livekit_utils.files.audio_stream_decoder import AudioStreamDecoder
from livekit_utils.filters.audio_filter import AudioFilter
from livekit_utils.filters.audio_filter_session import AudioFilterSession, AudioFilterSessionStats
from livekit_utils.filters.description import AudioStreamInfo, NoiseCancellationOptions
from livekit_utils.filters.frame_processor import FrameProcessor
from livekit_utils.filters.include import get_include
from livekit_utils.filters.status import AudioFilterError, AudioFilterLoadState, AudioFilterState
from livekit_utils.frames.audio_frame import AudioFrame, combine_audio_frames
from livekit_utils.frames.channel_map import map_channels
from livekit_utils.frames.livekit_frames import from_livekit, to_livekit
from livekit_utils.frames.video_frame import VideoFrame
from livekit_utils.frames.video_types import VideoBufferType, VideoRotation
from livekit_utils.mixing.audio_mixer import AudioMixer
from livekit_utils.mixing.mix_audio_frames import mix_audio_frames
from livekit_utils.mixing.mixer_input import AudioMixerStats, AudioMixerStreamStats
from livekit_utils.mixing.outputs import AudioMixerOutput
from livekit_utils.playback.media_player import MediaPlayer, MediaPlayerStats
from livekit_utils.recording.recorder import Recorder, RecorderStats
from livekit_utils.recording.video_lane import RecorderVideoStats
from livekit_utils.recording.voice import RecorderStreamStats
from livekit_utils.signals.dtmf_detector import DtmfDetector, DtmfDigit
from livekit_utils.signals.dtmf_generator import dtmf_generator
from livekit_utils.signals.loudness_meter import LoudnessMeter
from livekit_utils.signals.noise import noise_generator
from livekit_utils.signals.silence import silence_generator
from livekit_utils.signals.sine_wave import sine_wave_generator
from livekit_utils.sync.av_synchronizer import AVSynchronizer, LatePolicy
from livekit_utils.sync.show_record import AVSynchronizerStats
from livekit_utils.telephony.audio_byte_stream import AudioByteStream
from livekit_utils.telephony.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from livekit_utils.telephony.telephony_codec import TelephonyCodec
from livekit_utils.tracks.audio_source import AudioSource, AudioSourceStats
from livekit_utils.tracks.audio_stream import AudioStream, AudioStreamStats
from livekit_utils.tracks.events import AudioFrameEvent, VideoFrameEvent
from livekit_utils.tracks.track import LocalAudioTrack, LocalVideoTrack, Track, TrackKind
from livekit_utils.tracks.video_source import VideoSource
from livekit_utils.tracks.video_stream import VideoStream, VideoStreamStats
from livekit_utils.voice.audio_processing_module import AudioProcessingModule
from livekit_utils.voice.stages import AudioProcessingModuleStats
from livekit_utils.voice.trim_silence import trim_silence
from livekit_utils.voice.voice_activity_detector import VoiceActivity, VoiceActivityDetector
from livekit_utils.voice.voice_processor import VoiceProcessor, VoiceProcessorStats

__all__ = [
    "BLOCKSIZE",
    "DEFAULT_CHANNELS",
    "DEFAULT_SAMPLE_RATE",
    "FRAME_SAMPLES",
    "AVSynchronizer",
    "AVSynchronizerStats",
    "AudioByteStream",
    "AudioFile",
    "AudioFilter",
    "AudioFilterError",
    "AudioFilterLoadState",
    "AudioFilterSession",
    "AudioFilterSessionStats",
    "AudioFilterState",
    "AudioFrame",
    "AudioFrameEvent",
    "AudioMixer",
    "AudioMixerOutput",
    "AudioMixerStats",
    "AudioMixerStreamStats",
    "AudioProcessingModule",
    "AudioProcessingModuleStats",
    "AudioResampler",
    "AudioResamplerQuality",
    "AudioSource",
    "AudioSourceStats",
    "AudioStream",
    "AudioStreamDecoder",
    "AudioStreamInfo",
    "AudioStreamStats",
    "DeviceError",
    "DeviceState",
    "DeviceStateChange",
    "DtmfDetector",
    "DtmfDigit",
    "FrameProcessor",
    "InputCapture",
    "InputCaptureStats",
    "InputGap",
    "LatePolicy",
    "LocalAudioTrack",
    "LocalVideoTrack",
    "LoudnessMeter",
    "MediaDevices",
    "MediaPlayer",
    "MediaPlayerStats",
    "NoiseCancellationOptions",
    "OutputPlayer",
    "OutputPlayerStats",
    "Recorder",
    "RecorderStats",
    "RecorderStreamStats",
    "RecorderVideoStats",
    "RingBuffer",
    "TelephonyCodec",
    "Track",
    "TrackKind",
    "VideoBufferType",
    "VideoFrame",
    "VideoFrameEvent",
    "VideoRotation",
    "VideoSource",
    "VideoStream",
    "VideoStreamStats",
    "VoiceActivity",
    "VoiceActivityDetector",
    "VoiceProcessor",
    "VoiceProcessorStats",
    "combine_audio_frames",
    "decode_alaw",
    "decode_ulaw",
    "dtmf_generator",
    "encode_alaw",
    "encode_ulaw",
    "from_livekit",
    "get_include",
    "map_channels",
    "mix_audio_frames",
    "noise_generator",
    "resample_audio",
    "silence_generator",
    "sine_wave_generator",
    "to_livekit",
    "trim_silence",
]

__version__: str
