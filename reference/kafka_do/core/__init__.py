"""What an implementer reads to understand the protocol: plain data in, plain data out, no I/O, no threads, no clock."""
