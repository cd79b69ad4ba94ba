"""The facts about the machine that times depend on."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pyperf  # type: ignore[import-untyped]

from livekit_utils._kernels import simd
from livekit_utils._runtime.install import DISTRIBUTION

# Neither names of machines nor their folders, nor what is different a second later.
_KEPT = (
    "aslr",
    "cpu_config",
    "cpu_count",
    "cpu_freq",
    "cpu_model_name",
    "date",
    "perf_version",
    "platform",
    "python_compiler",
    "python_implementation",
    "python_version",
    "timer",
)
_PACKAGES = (DISTRIBUTION, "livekit", "samplerate", "soxr", "numpy")


def metadata() -> dict[str, Any]:
    """For the file of results."""
    facts: dict[str, Any] = pyperf.Run([1.0]).get_metadata()
    kept = {name: facts[name] for name in _KEPT if name in facts}
    kept["simd"] = simd.level
    kept["gc"] = "enabled"
    for package in _PACKAGES:
        kept[f"{package.replace('-', '_')}_version"] = _version(package)
    return kept


def header() -> list[str]:
    """For people."""
    facts = metadata()
    packages = ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)
    return [
        f"{facts.get('cpu_model_name', 'unknown CPU')}, {facts.get('cpu_count', '?')} CPUs, "
        f"SIMD level {simd.level}, {facts['platform']}",
        f"{facts['python_implementation']} {facts['python_version']}, {packages}, pyperf {facts['perf_version']}",
        "The garbage collector is enabled, as a user has it. Rounds are interleaved; a ratio is the median of the "
        "rounds' own ratios, with their quartiles.",
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
