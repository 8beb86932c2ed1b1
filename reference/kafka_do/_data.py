"""Where the specification and the fixtures lie: in the installed package, else in the checkout around this file."""

from pathlib import Path


def data_root() -> Path:
    """Return the folder that holds `spec` and `fixtures`; never looks at the working directory."""
    package = Path(__file__).resolve().parent
    for root in (package / "_data", package.parents[1]):
        if (root / "spec" / "generated" / "spec.json").is_file():
            return root
    raise FileNotFoundError(
        f"kafka_do is installed without its specification: no spec/generated/spec.json near {package}"
    )
