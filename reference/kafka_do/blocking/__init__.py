"""What of the blocking client waits: for heartbeats' times, for assignments, for records. Decisions are in `client`."""
