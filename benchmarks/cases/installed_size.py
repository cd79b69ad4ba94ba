"""Bytes on the disk: of all installed files, or (in_place) of the modules in the tree."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import livekit_utils
from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.target import Target
from livekit_utils._runtime.install import DISTRIBUTION

_LIMIT = 1.5 * 2**20


def experiments(effort: Effort) -> Iterator[Experiment]:
    contenders = [Contender.once(OURS, lambda: {"": _size(_our_files())})]
    if optional.sdk() is not None:
        contenders.append(Contender.once("sdk", lambda: {"": _size(_files_of(distribution("livekit")))}))

    def check() -> None:
        if not any(path.suffix in {".so", ".pyd"} for path in _our_files()):
            raise DisagreementError("installed_size: found no compiled module among the files of livekit_utils")

    quantity = Quantity(unit="byte", targets=(Target.value(_LIMIT),))
    yield Experiment(f"installed_size/{_kind()}", tuple(contenders), check, 1, (quantity,))


def _size(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _files_of(package: Distribution) -> list[Path]:
    return [Path(str(package.locate_file(file))) for file in package.files or ()]


def _installed() -> list[Path] | None:
    """All files of the installed distribution, if it is what is imported; not of a tree that it was built from."""
    try:
        files = _files_of(distribution(DISTRIBUTION))
    except PackageNotFoundError:
        return None
    imported = Path(livekit_utils.__file__).resolve()
    has_record = any(file.name == "RECORD" for file in files)
    return files if has_record and imported in {file.resolve() for file in files} else None


def _kind() -> str:
    return "distribution" if _installed() is not None else "in_place"


def _our_files() -> list[Path]:
    """Of the distribution; without one, what of the tree would be installed, which has no metadata and no bytecode."""
    files = _installed()
    if files is not None:
        return files
    package = Path(livekit_utils.__file__).parent
    return [path for path in sorted(package.rglob("*")) if path.suffix in {".so", ".pyd", ".py", ".pyi"}]
