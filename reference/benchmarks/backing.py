"""Memory that is there: on a virtual machine the first touch of a page may cost ten times what later ones do.

A log that grows touches fresh pages all the time. Whether the machine below has them at hand depends on what ran
before, so each round begins with as much memory touched and given back as a round may need.
"""

import subprocess
import sys

__all__ = ["touch_memory"]

_MIB = 1536
_TOUCH = f"""
import mmap
pages = mmap.mmap(-1, {_MIB} << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
pages[:] = bytes({_MIB} << 20)
"""


def touch_memory() -> None:
    """Have another process touch 1.5 GiB and end."""
    subprocess.run([sys.executable, "-c", _TOUCH], check=True)
