"""Defines the options and arguments that several commands share."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from livekit_utils.cli.numbers import MAX_RATE, Count, Rate, Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = TypeVar("Command", bound=Callable[..., Any])
    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_READABLE = "What libsndfile reads (WAV, FLAC, OGG, Opus, MP3, AIFF, AU, CAF, W64), or PyAV; - is standard input."


# Nothing is asked of a path here: a file that cannot be read is an error of the command, not wrong usage.
class _Path(click.Path):
    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":  # pathlib takes it for the folder
            self.fail("expected the name of a file, got ''", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path, readable=False)

ENCODINGS = ("u8", "s16", "s24", "s32", "f32", "f64", "ulaw", "alaw")
MAX_CHANNELS = 128
QUALITIES = ("quick", "low", "medium", "high", "very_high")


class Word(click.Choice):  # type: ignore[type-arg]
    """One of several words; an error is told as that of a number."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value not in self.choices:
            self.fail(f"expected {', '.join(self.choices)}, got {value!r:.80}", param, ctx)
        return value


input_argument = click.argument("input", metavar="IN", type=PATH)
inputs_argument = click.argument("inputs", metavar="IN...", type=PATH, nargs=-1, required=True)
files_argument = click.argument("files", metavar="FILE...", type=PATH, nargs=-1, required=True)

pick_option = click.option("--pick", metavar="N,N...", help="Take these channels of the input, from 0, in this order.")
start_option = click.option(
    "--start", type=Seconds(), metavar="SECONDS", default=0.0, help="Where in the input the output begins."
)
end_option = click.option("--end", type=Seconds(), metavar="SECONDS", help="Where in the input the output ends.")
offset_option = click.option(
    "--offset",
    metavar="NAME=SECONDS",
    multiple=True,
    help="Lets this input begin later, so many seconds into the mix.",
)
raw_option = click.option(
    "--raw",
    metavar="ENCODING:RATE[:CHANNELS]",
    help="The samples of files without a header, as ulaw:8000 or s16le:16k:2. These are - and all files that are not "
    "called like a sound file, whether they are read or written.",
)
encoding_option = click.option(
    "--encoding",
    type=Word(ENCODINGS),
    metavar="ENCODING",
    help=f"The samples of the output: {', '.join(ENCODINGS)}; by default 16 bits. 24 bits are dithered where they "
    "come from floats, and convert keeps all bits that it does not resample or mix.",
)
gain_option = click.option(
    "--gain",
    metavar="[NAME=]dB",
    multiple=True,
    help="Gain in dB of the input with this path, file name, file name without suffix, or number from 1, as "
    "music=-12dB or 2=-3; of all others, where no name is given.",
)
force_option = click.option("--force", is_flag=True, help="Replace existing outputs and plots, but never an input.")
json_option = click.option(
    "--json", is_flag=True, help="Print the report as one JSON object; the level of silence is null."
)
normalize_option = click.option(
    "--normalize",
    metavar="LEVEL",
    help="Bring the output's highest peak to a level, as -1dB, or its loudness, as -16LUFS: as far as its true peak "
    "stays at or below -1 dBTP.",
)
trim_option = click.option(
    "--trim", is_flag=True, help="Leave out what is before the first and after the last word, but 0.2 s."
)
plot_option = click.option(
    "--plot", metavar="FILE.png", type=PATH, help="Draw waveforms and spectrograms of all inputs and the result."
)
dark_option = click.option("--dark", is_flag=True, help="Draw --plot on a dark background.")
damaged_option = click.option(
    "--damaged", is_flag=True, help="Read damaged and cut-off files as far as they go, with a warning."
)
device_option = click.option(
    "--device",
    metavar="DEVICE",
    help="An index, a name or a unique part of a name; the default device if not given.",
)
devices_option = click.option(
    "--device",
    metavar="DEVICE",
    multiple=True,
    help="An index, a name or a unique part of a name; the default device if not given. Several: one side each.",
)
processing_option = click.option(
    "--processing/--no-processing",
    default=True,
    help="Remove noise and hum, and level the volume, which is the default.",
)


def seconds_option(help: str, *, least: float) -> Decorator:
    """Returns the option --seconds."""
    return click.option("--seconds", metavar="SECONDS", type=Seconds(least), help=help)


def rate_option(help: str, *, least: int = 1, most: int = MAX_RATE, **options: Any) -> Decorator:
    """Returns the option --rate."""
    return click.option("--rate", type=Rate(least, most), help=help, **options)


def channels_option(help: str = "1 averages the channels; a higher number copies mono to all.") -> Decorator:
    """Returns the option --channels."""
    return click.option("--channels", type=Count(1, MAX_CHANNELS), metavar="N", help=help)


def choice_option(name: str, choices: Sequence[str], default: str, help: str) -> Decorator:
    """Returns an option that is one of several words, which its help begins with."""
    words = f"{', '.join(choices[:-1])} or {choices[-1]}"
    return click.option(
        name,
        type=Word(choices),
        metavar=name.removeprefix("--").upper(),
        default=default,
        show_default=True,
        help=f"{words}: {help}",
    )


def quality_option(default: str) -> Decorator:
    """Returns the option --quality."""
    help = "higher ones keep more treble and take longer. At 0.45 of the lower rate they lose 13, 2.5, 0.1, 0 and 0 dB."
    return choice_option("--quality", QUALITIES, default, help)


def combined(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Returns one decorator for several, in the order of the help."""

    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_named_output = click.option(
    "-o",
    "--output",
    metavar="OUT",
    type=PATH,
    help="The output, if it is not given as the last argument. The suffix selects WAV, FLAC, OGG, Opus, AU or RF64; - "
    "is standard output, as WAV.",
)


def takes_output(function: Command) -> Command:
    """Adds the output: as the last argument, or with -o."""

    @combined(click.argument("last", metavar="[OUT]", type=PATH, required=False), _named_output)
    @functools.wraps(function)
    def with_output(*, last: Path | None, output: Path | None, **options: Any) -> Any:
        if last is not None and output is not None:
            raise click.UsageError(f"expected one output, got {last} and --output {output}")
        if last is None and output is None:
            raise click.UsageError("expected an output: OUT, or -o OUT")
        return function(output=last or output, **options)

    return with_output  # type: ignore[return-value]


def takes_inputs_and_output(function: Command) -> Command:
    """Adds one or more inputs, and the output: as the last argument, or with -o."""

    @combined(click.argument("paths", metavar="IN... [OUT]", type=PATH, nargs=-1, required=True), _named_output)
    @functools.wraps(function)
    def with_both(*, paths: Sequence[Path], output: Path | None, **options: Any) -> Any:
        if output is None and len(paths) < 2:
            raise click.UsageError("expected an output: OUT behind the inputs, or -o OUT")
        inputs = list(paths if output is not None else paths[:-1])
        return function(inputs=inputs, output=output or paths[-1], **options)

    return with_both  # type: ignore[return-value]
