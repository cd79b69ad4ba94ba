"""Summary counts what became of all files."""

from __future__ import annotations

from dataclasses import dataclass, field

from livekit_utils.batch.result import Result

# Failures that are kept. The manifest has all.
_MAX_FAILURES = 1000


@dataclass
class Summary:
    """Counts what became of the files of a run."""

    num_done: int = 0
    """Files that were converted."""
    num_skipped: int = 0
    """Files that an earlier run has converted."""
    num_failed: int = 0
    """Files that failed, in this run or in an earlier one."""
    num_clipped: int = 0
    """Files of these whose output reaches full scale."""
    seconds: float = 0.0
    """Of sound that was converted."""
    elapsed_s: float = 0.0
    """How long it took."""
    cpu_s: float = 0.0
    """CPU time that the conversions took, on all machines."""
    failures: list[Result] = field(default_factory=list, repr=False)
    """The first 1000; the manifest has all."""
    num_bad_lines: int = 0
    """Lines of the manifest that could not be read, and were left alone. Their files were done again."""

    @property
    def num_files(self) -> int:
        return self.num_done + self.num_skipped + self.num_failed

    @property
    def ok(self) -> bool:
        """Whether no file failed."""
        return self.num_failed == 0

    def add(self, result: Result) -> None:
        """Counts a file."""
        self.cpu_s += result.cpu_s
        if not result.ok:
            self.num_failed += 1
            if len(self.failures) < _MAX_FAILURES:
                self.failures.append(result)
        elif result.skipped:
            self.num_skipped += 1
        else:
            self.num_done += 1
            self.seconds += result.seconds
            self.num_clipped += result.num_clipped > 0
