"""Models: the rules once more, as small as they can be, to compare implementations with and to explore completely."""
