"""A course on image generation. Importing the package imports nothing heavy.

It does one thing, which must come before torch is loaded: it asks OpenMP's idle threads to sleep instead
of spinning, because spinning threads slow a shared machine several times over.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
