"""What the installed wheel holds, and what it says of itself."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import PurePosixPath

import pytest

from livekit_utils._runtime.install import DISTRIBUTION
from tests.support.paths import SOURCE


@pytest.fixture(scope="module")
def wheel() -> Distribution:
    try:
        found = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        pytest.skip("the package is not installed")
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    files = {str(file) for file in found.files or ()}
    if origin.get("dir_info", {}).get("editable") or "livekit_utils/__init__.py" not in files:
        pytest.skip("the package is installed in place, not from a wheel")
    return found


def test_it_holds_the_package_and_nothing_else(wheel: Distribution) -> None:
    files = [PurePosixPath(str(file)) for file in wheel.files or ()]
    kinds = {".py", ".pyi", ".so", ".pyd", ".h"}
    for file in files:
        if file.parts[0] == "livekit_utils":
            cached = "__pycache__" in file.parts
            assert file.suffix in kinds or file.name == "py.typed" or cached, file
        else:
            # Its metadata, its command, and what auditwheel puts in.
            assert file.parts[0].endswith((".dist-info", ".libs")) or file.stem == "livekit-utils", file
    names = {str(file) for file in files}
    assert {"livekit_utils/py.typed", "livekit_utils/__init__.pyi"} <= names
    assert "livekit_utils/include/livekit_audio_filter.h" in names
    assert len([file for file in files if file.suffix in {".so", ".pyd"}]) >= 25


def test_it_brings_its_licence(wheel: Distribution) -> None:
    (licence,) = [file for file in wheel.files or () if file.name == "LICENSE"]
    assert "licenses" in licence.parts
    assert "Apache License" in licence.read_text()
    assert wheel.metadata["License-Expression"] == "Apache-2.0"
    assert wheel.metadata["Author"] == "The livekit_utils developers"


def test_it_needs_two_packages_at_run_time(wheel: Distribution) -> None:
    needed = [line for line in wheel.requires or () if "extra ==" not in line]
    assert sorted(line.partition(">")[0] for line in needed) == ["numpy", "samplerate"]


@pytest.mark.skipif(not (SOURCE / ".github").is_dir(), reason="the source is not here")
def test_the_pythons_it_names_are_those_of_its_tests_and_wheels() -> None:
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))
    classifiers = "\n".join(project["project"]["classifiers"])
    named = re.findall(r"Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    assert project["project"]["requires-python"] == f">={named[0]}"
    built = project["tool"]["cibuildwheel"]["build"]
    assert built == [f"cp{version.replace('.', '')}-*" for version in named]
    (matrix, *_) = re.findall(r"python: \[(.*)\]", (SOURCE / ".github" / "workflows" / "ci.yml").read_text())
    assert re.findall(r"[\d.]+", matrix) == named
