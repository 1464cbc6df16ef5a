# ruff: noqa
"""Leaves Python as if all were well, in the cell.

expect: failed: SystemExit
"""

import sys

sys.exit(0)
