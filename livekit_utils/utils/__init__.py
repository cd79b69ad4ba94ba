"""Guards the package against livekit-utils of the package index, which has the same import name.

Installed over this package, that one replaces `livekit_utils/__init__.py` by a file that imports all of
`livekit_utils.utils`. Python finds a folder before a file of the same name, so `import livekit_utils` ends here.
"""

import livekit_utils
from livekit_utils._runtime.install import OVERLAID

if not hasattr(livekit_utils, "_PUBLIC"):
    raise ImportError(OVERLAID, name="livekit_utils")
