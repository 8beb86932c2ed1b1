"""How many connections a process may have: one descriptor each."""

try:
    import resource
except ImportError:  # there is none on Windows, nor a limit like this
    resource = None  # type: ignore[assignment]

__all__ = ["raise_descriptor_limit"]

_ENOUGH = 65_536


def raise_descriptor_limit() -> None:
    """Allow this process as many descriptors as it may allow itself: 1 024, the usual figure, are few for streams."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
