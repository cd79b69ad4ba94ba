"""What is measured. Each group is a generator of experiments, so that only one's data is in memory at a time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase

from benchmarks.cases import (
    audio_frame,
    audio_mixer,
    audio_mixer_live,
    audio_mixer_shaped,
    audio_resampler,
    audio_source,
    audio_source_pacing,
    audio_stream_live,
    av_synchronizer,
    av_synchronizer_live,
    batch,
    channels,
    combine_audio_frames,
    convert,
    dtmf,
    import_time,
    installed_size,
    level,
    loudness,
    mix,
    pictures,
    ring_buffer,
    sine_wave,
    telephony,
    voice,
)
from benchmarks.effort import Effort
from benchmarks.errors import UnknownNameError
from benchmarks.experiment import Experiment

Group = Callable[[Effort], Iterator[Experiment]]
Groups = Iterable[tuple[str, Iterator[Experiment]]]

GROUPS: dict[str, Group] = {
    "audio_frame": audio_frame.experiments,
    "combine_audio_frames": combine_audio_frames.experiments,
    "mix": mix.experiments,
    "mix_gain": mix.gain_experiments,
    "convert": convert.experiments,
    "g711": telephony.g711_experiments,
    "audio_byte_stream": telephony.byte_stream_experiments,
    "telephony_codec": telephony.codec_experiments,
    "pictures": pictures.experiments,
    "level": level.experiments,
    "loudness": loudness.experiments,
    "channels": channels.experiments,
    "ring_buffer": ring_buffer.experiments,
    "dtmf": dtmf.experiments,
    "sine_wave": sine_wave.experiments,
    "audio_resampler": audio_resampler.experiments,
    "audio_resampler_polyphase": audio_resampler.polyphase_experiments,
    "audio_resampler_adjusted": audio_resampler.adjusted_experiments,
    "audio_resampler_outputs": audio_resampler.output_experiments,
    "audio_mixer": audio_mixer.experiments,
    "audio_mixer_live": audio_mixer_live.experiments,
    "audio_mixer_shaped": audio_mixer_shaped.experiments,
    "audio_source": audio_source.experiments,
    "audio_source_pacing": audio_source_pacing.experiments,
    "audio_stream_live": audio_stream_live.experiments,
    "av_synchronizer": av_synchronizer.experiments,
    "av_synchronizer_live": av_synchronizer_live.experiments,
    "voice": voice.experiments,
    "batch": batch.experiments,
    "import": import_time.experiments,
    "installed_size": installed_size.experiments,
}


def selected(names: list[str], effort: Effort) -> Groups:
    """The groups and their experiments that any of the names covers: a group, the start of a row's name up to a
    slash, or a pattern. No names cover all.

    Raises:
        UnknownNameError: A name that is no group's, or covers nothing in its group.
    """
    patterns = [name.rstrip("/") for name in names] or list(GROUPS)
    for pattern in patterns:
        if not any(fnmatchcase(group, pattern.partition("/")[0]) for group in GROUPS):
            raise UnknownNameError(f"{pattern}: expected one of {', '.join(GROUPS)}, or the name of a row of theirs")
    for group, experiments in GROUPS.items():
        wanted = [pattern for pattern in patterns if fnmatchcase(group, pattern.partition("/")[0])]
        if wanted:
            yield group, _covered(group, experiments(effort), wanted)


def title(group: str) -> str:
    """What a group is about, in a line."""
    experiments = GROUPS[group]
    text = inspect.getdoc(experiments) or inspect.getdoc(inspect.getmodule(experiments)) or ""
    return f"{group}: {' '.join(text.split())}"


def _covered(group: str, experiments: Iterator[Experiment], patterns: list[str]) -> Iterator[Experiment]:
    unused = set(patterns)
    for experiment in experiments:
        rows = [experiment.row_name(quantity) for quantity in experiment.quantities]
        for row in rows:
            if not _covers(group, row):  # no name would cover it, so it would never be measured
                raise ValueError(f"{row}: expected a name that starts with {group}/")
        covering = {pattern for pattern in patterns if any(_covers(pattern, row) for row in rows)}
        unused -= covering
        if covering:
            yield experiment
    if unused:
        raise UnknownNameError(f"no row's name starts with {', '.join(sorted(unused))}; --list shows them")


def _covers(pattern: str, row: str) -> bool:
    return fnmatchcase(row, pattern) or fnmatchcase(row, f"{pattern}/*")
