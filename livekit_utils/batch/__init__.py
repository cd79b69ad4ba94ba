"""A corpus: many sound files, converted on one machine or on a cluster.

`convert_file` is the seam: it converts one file, never raises, and can be called from any map. `run_batch` calls it for
millions of files, in processes of its own or in any `concurrent.futures.Executor`.
"""

from livekit_utils.batch.conversion import convert_file
from livekit_utils.batch.errors import BatchError
from livekit_utils.batch.job import Job, MixInput
from livekit_utils.batch.result import Result
from livekit_utils.batch.run import run_batch
from livekit_utils.batch.summary import Summary

__all__ = ["BatchError", "Job", "MixInput", "Result", "Summary", "convert_file", "run_batch"]
