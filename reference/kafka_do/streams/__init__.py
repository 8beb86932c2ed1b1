"""Stream processing: pipelines as data, and their operators without I/O. (processing.md)"""

from kafka_do.streams.driver import Output, StreamDriver
from kafka_do.streams.expressions import Expression, aggregate, item, key, left, right, timestamp_ms, value, window
from kafka_do.streams.plan import PartitioningError
from kafka_do.streams.record import StreamRecord, Window
from kafka_do.streams.stream import GroupedStream, Pipeline, Stream, Table, WindowedStream
from kafka_do.streams.task import LeftOut, ProcessingError, Task
from kafka_do.streams.topology import Topology, TopologyError, read_topology
from kafka_do.streams.windows import Hopping, Session, Sliding, Tumbling, Within

__all__ = [
    "Expression",
    "GroupedStream",
    "Hopping",
    "LeftOut",
    "Output",
    "PartitioningError",
    "Pipeline",
    "ProcessingError",
    "Session",
    "Sliding",
    "Stream",
    "StreamDriver",
    "StreamRecord",
    "Table",
    "Task",
    "Topology",
    "TopologyError",
    "Tumbling",
    "Window",
    "WindowedStream",
    "Within",
    "aggregate",
    "item",
    "key",
    "left",
    "read_topology",
    "right",
    "timestamp_ms",
    "value",
    "window",
]
