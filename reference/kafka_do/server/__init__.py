"""The server: an ASGI application over any broker, and the process that runs it."""
