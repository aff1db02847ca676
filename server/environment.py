"""Sets what numerical libraries read from the environment when they are imported. So this module imports none of them."""

from __future__ import annotations

import os


def share_processor() -> None:
    """Keep the threads of two libraries from holding cores that they do not use. What the operator has set stays.

    One library's threads encode a prompt, and another's compare it. By default, each keeps a core busy for a while after its
    work, so the other waits: on two cores, screening took twice as long (`evaluation/detection/record`). vLLM sets this for its
    own workers again.
    """
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
