"""What numerical libraries read from the environment when they are first imported. Light: imported before all of them."""

from __future__ import annotations

import os


def share_processor() -> None:
    """Keep the libraries' threads from waiting busily for each other, unless the operator has set it otherwise.

    A prompt is encoded by one library's threads and compared by another's. By default each keeps a core busy for a while after
    its work, in the way of the other: with both on two cores, screening took twice as long (`evaluation/detection/record`). vLLM
    sets this anew for its workers.
    """
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
