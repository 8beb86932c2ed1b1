"""Stream processing: pipelines as data, and their operators without I/O. (processing.md)"""
