"""What the tests of C programs share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.c_programs import kernel_builder


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`kernels("address")` is a folder with the kernels as objects, compiled once per build."""
    return kernel_builder(tmp_path_factory.mktemp)
