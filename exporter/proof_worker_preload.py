"""What every worker process starts with; imported by the server that forks them, and nowhere else.

One thread does for a proof, and a bounded process has no memory to spare for as many threads as the
machine has processors: each would claim a buffer of its own. It stands outside of
`exporter.pipelines`, for importing anything of that brings numpy with it, which reads this once.
"""

import importlib
import os

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"

importlib.import_module("exporter.pipelines.kinds")
