"""The asyncio skin: the names and options of the blocking one, to be awaited. Decisions are in `client`."""
