"""Says how this package is installed. Every message that names an install line takes it from here."""

from __future__ import annotations

# The name of the distribution. The package index has another one called livekit-utils, with the same import name.
DISTRIBUTION = "livekit-media-utils"


def install_line(extra: str) -> str:
    """Returns the command that installs an extra. The package is not on the index yet, so it names the source."""
    return f'pip install ".[{extra}]" in the source folder of the package'


# What to say when the files of that other package lie in the folder of this one.
OVERLAID = (
    "files of another package, livekit-utils of the package index, lie in the folder of livekit_utils: run "
    "`pip uninstall livekit-utils`, then `pip install --force-reinstall .` in the source folder of the package"
)


def not_compiled(module: str, folder: str) -> str:
    """Returns what to say when a compiled module of this package, in this folder, is missing."""
    return (
        f"{module} is not there: {folder} looks like the source, which is not compiled. "
        "Run Python from another directory, or `make develop` here."
    )
