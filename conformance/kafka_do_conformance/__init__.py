"""The conformance suite: it judges any server and any client of the kafka.do protocol.

The way through it: `cases` (data and code) → `load` → `judge_server` with `wire`, or `judge_client` with `peer` and
`adapter` → `verdict` → `plugin`, `report` and `reports`. `target` starts what is judged. It believes nothing of
`kafka_do` but where the specification lies.
"""
