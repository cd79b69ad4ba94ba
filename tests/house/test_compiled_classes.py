"""What the sources of the compiled classes keep to."""

import re

import pytest

from tests.support.paths import SOURCE

pytestmark = pytest.mark.skipif(
    not (SOURCE / "livekit_utils").is_dir(), reason="the source tree does not lie beside the tests"
)


def test_no_compiled_class_holds_a_buffer_that_the_collector_sees() -> None:
    """An attribute `cdef Py_buffer` is visited, `borrowed_buffer` (borrow.pxd) is not. Functions may have a
    Py_buffer."""
    package = SOURCE / "livekit_utils"
    sources = [*package.rglob("*.pyx"), *package.rglob("*.pxd")]
    assert sources
    for source in sources:
        for body in class_bodies(source.read_text()):
            assert not re.search(r"^    cdef (public |readonly )*Py_buffer\b(?!\s*\*)", body, re.MULTILINE), source


def class_bodies(text: str) -> list[str]:
    return re.findall(r"^cdef class .*\n((?:(?: .*)?\n)*)", text, re.MULTILINE)


def test_the_search_finds_one() -> None:
    (body,) = class_bodies(
        "cdef class A:\n    cdef int n\n\n    cdef Py_buffer view # borrowed\n\ncdef f():\n    pass\n"
    )
    assert "Py_buffer" in body
    assert "f()" not in body
