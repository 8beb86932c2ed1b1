"""The blocking skin, mirrored file by file in `aio`. Decisions are in `client`."""
