"""The digits of a telephone's keypad and their frequencies (Recommendation ITU-T Q.23)."""

from __future__ import annotations

LOW_HZ = (697, 770, 852, 941)  # of the rows
HIGH_HZ = (1209, 1336, 1477, 1633)  # of the columns

DIGITS = "123A456B789C*0#D"
"""All digits, row by row."""

MIN_SAMPLE_RATE = 8000


def tones_of(digit: str) -> tuple[int, int]:
    """Returns the low and the high frequency of a digit in Hz."""
    row, column = divmod(DIGITS.index(digit), len(HIGH_HZ))
    return LOW_HZ[row], HIGH_HZ[column]
