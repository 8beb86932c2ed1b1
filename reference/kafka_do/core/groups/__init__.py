"""Consumer groups: who reads which partition, and who may say so. Plain data in, plain data out; no I/O, no clock."""
