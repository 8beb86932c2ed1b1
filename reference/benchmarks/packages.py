"""Packages that are measured or measured with, in environments of their own, so that nothing here depends on them."""

import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["python_with"]


def python_with(cache: Path, name: str, *requirements: str) -> str | None:
    """Return the Python of an environment in `cache`, made once, that has these; None where they do not install."""
    folder = cache / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "-q", *requirements]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            return None
        (folder / "installed").touch()
    return str(python)
