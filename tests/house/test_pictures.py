"""The pictures of the documentation that can be checked against what they show."""

from __future__ import annotations

import ast
import itertools

import pytest

from tests.support.colours import SIGHTS, difference
from tests.support.paths import SOURCE

PICTURE = SOURCE / "docs" / "benchmarks.png"

pytestmark = pytest.mark.skipif(not PICTURE.is_file(), reason="the source is not here")


@pytest.mark.parametrize("sight", SIGHTS)
def test_everybody_can_tell_the_colours_of_the_pictures(sight: str) -> None:
    pytest.importorskip("matplotlib")
    from tools.colours import FOUR, TWO

    for colours in (TWO, FOUR):
        for one, other in itertools.combinations(colours, 2):
            assert difference(one, other, sight) > 30, (one, other)


def test_the_picture_of_the_benchmarks_shows_the_table_under_it() -> None:
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    from tools.draw_benchmarks import bars

    table = bars((SOURCE / "docs" / "measured.md").read_text("utf-8"))
    assert len(table) > 15
    with image.open(PICTURE) as picture:
        drawn = ast.literal_eval(picture.text["Description"])
    assert drawn == [row.ratio for row in table], "run `python -m tools.draw_benchmarks docs/benchmarks.png`"
