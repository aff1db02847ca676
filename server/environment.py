"""Environment variables that numerical libraries read when they are imported. So this module imports none of them."""

from __future__ import annotations

import os


def share_processor() -> None:
    """Set variables so that the threads of two libraries do not occupy cores while they wait. A value of the operator's stays.

    The threads of one library encode a prompt, and those of another compare it. By default each keeps a core busy for a while
    after its work, and the other has to wait: on two cores, screening took twice as long (`evaluation/detection/record`). vLLM
    sets its own values for its workers.
    """
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
