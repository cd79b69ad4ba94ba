"""Implements the command `livekit-utils mix`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import (
    channels_option,
    combined,
    damaged_option,
    dark_option,
    encoding_option,
    force_option,
    gain_option,
    json_option,
    normalize_option,
    offset_option,
    plot_option,
    rate_option,
    raw_option,
    takes_inputs_and_output,
    trim_option,
)

EXAMPLES = (
    "livekit-utils mix speech.wav music.flac -o mixed.flac --gain music=-12dB",
    "livekit-utils mix speech.wav music.flac mixed.wav --offset speech=1.5 --normalize=-16LUFS",
)


@click.command()
@takes_inputs_and_output
@combined(
    rate_option("Hz, as 16k; by default the highest of the inputs.", least=10),
    channels_option("By default the highest number of the inputs."),
    gain_option,
    offset_option,
    trim_option,
    normalize_option,
    plot_option,
    dark_option,
    damaged_option,
    raw_option,
    encoding_option,
    json_option,
    force_option,
)
def mix(**options: Any) -> None:
    """Mix sound files into one: their exact sum, saturated once.

    Inputs of other rates are converted. Mono is copied to all channels, and several channels are averaged to mono;
    any other change of channels is an error. The mix ends with the input that ends last, or with --trim after the last
    word of the mix; the inputs are read once more for that.

    With --normalize, one gain for all inputs brings the mix to a peak or to a loudness (ITU-R BS.1770, EBU R 128).
    Where a loudness would bring the true peak above -1 dBTP, or where an input would get more than +40 dB, the gain is
    lower, and the report says by how much. The inputs are read twice, and again where the mix clips without this gain.
    """
    from livekit_utils.cli.mixdown import mix_files

    mix_files(**options)
