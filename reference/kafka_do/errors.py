"""The errors of the catalogue, one class each, made by `python -m kafka_do_spec generate`; do not edit."""

from kafka_do.core.errors import KafkaError

__all__ = [
    "ClosedError",
    "DisconnectedError",
    "FencedInstanceIdError",
    "FencedMemberEpochError",
    "ForbiddenError",
    "GroupCoordinatorError",
    "GroupFullError",
    "GroupNotEmptyError",
    "GroupNotFoundError",
    "GroupTypeConflictError",
    "InternalError",
    "InvalidAcksError",
    "InvalidConfigError",
    "InvalidGroupIdError",
    "InvalidPartitionsError",
    "InvalidRecordError",
    "InvalidReplicationFactorError",
    "InvalidRequestError",
    "InvalidTimestampError",
    "InvalidTopicNameError",
    "KafkaError",
    "KafkaTimeoutError",
    "MessageTooLargeError",
    "MethodNotAllowedError",
    "NotAcceptableError",
    "NotAttemptedError",
    "NotEnoughReplicasAfterAppendError",
    "NotEnoughReplicasError",
    "NotLeaderError",
    "OffsetMetadataTooLargeError",
    "OffsetNotAvailableError",
    "OffsetOutOfRangeError",
    "OutOfOrderSequenceError",
    "PartitionNotFoundError",
    "PolicyViolationError",
    "ProducerFencedError",
    "QuotaExceededError",
    "RebalanceInProgressError",
    "RequestHeadersTooLargeError",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "RouteNotFoundError",
    "TopicAlreadyExistsError",
    "TopicDeletionDisabledError",
    "TopicNotFoundError",
    "UnauthorizedError",
    "UnavailableError",
    "UnknownMemberError",
    "UnknownProducerError",
    "UnreleasedInstanceIdError",
    "UnsupportedAssignorError",
    "UnsupportedContentEncodingError",
    "UnsupportedFeatureError",
    "UnsupportedMediaTypeError",
]


class InvalidRequestError(KafkaError, code="invalid_request"):
    """The request is malformed.

    The request does not have the form that the operation asks for: it is not JSON, a member is missing, unknown or of
    the wrong type, a number is out of its range, a text is not what its encoding promises. Nothing was done. `errors`
    names each faulty place by a JSON pointer into the body (or `?name` for a query parameter) and says what would be
    right. Correct it there; sending the same request again gives the same answer.
    """


class RouteNotFoundError(KafkaError, code="route_not_found"):
    """There is nothing at this path.

    The path is none of the protocol's. It says nothing about topics; an unknown topic is `topic_not_found`. Compare the
    path with the operation pages. Every path of the protocol begins with `/v1`.
    """


class MethodNotAllowedError(KafkaError, code="method_not_allowed"):
    """The path does not have this method.

    The path is one of the protocol's, but not with this method. The response header `Allow` lists the methods that the
    path has.
    """


class NotAcceptableError(KafkaError, code="not_acceptable"):
    """The answer has no form that was asked for.

    The request's `Accept` allows none of the media types in which this operation answers. Nothing was done. Allow
    `application/json`, or send no `Accept`. `detail` names the media types that the operation has.
    """


class UnsupportedMediaTypeError(KafkaError, code="unsupported_media_type"):
    """The body is not declared as JSON.

    The request has a body whose `Content-Type` is absent or something other than `application/json`. Send
    `Content-Type: application/json`.
    """


class UnsupportedContentEncodingError(KafkaError, code="unsupported_content_encoding"):
    """The body is compressed in a way that the server does not know.

    The request's `Content-Encoding` is not one that this server takes, or there is more than one. Nothing was done.
    Send the body with an encoding that the response header `Accept-Encoding` lists, or without one.
    """


class RequestTooLargeError(KafkaError, code="request_too_large"):
    """The request body is too large.

    The body is longer than the server's limit `max_request_bytes`, as it was sent or as it is after inflation. Nothing
    was done. Send fewer records in one request. Discovery tells the limit.
    """


class RequestHeadersTooLargeError(KafkaError, code="request_headers_too_large"):
    """The head of the request is too large.

    The request line and the header fields together are longer than the server's limit `max_header_bytes`. Nothing was
    done, and the connection is closed. Send fewer or shorter header fields; nothing of this protocol needs long ones.
    Discovery tells the limit.
    """


class RequestTimeoutError(KafkaError, code="request_timeout"):
    """The request did not arrive in time.

    The request was not complete within the server's limit `max_request_ms` after its first byte. Nothing was done, and
    the connection is closed. Send it again, on a new connection. If it happens again, the way to the server is too slow
    for this body, or its Content-Length says more than is sent. Send fewer records in one request.
    """


class UnsupportedFeatureError(KafkaError, code="unsupported_feature"):
    """The server does not offer this.

    The request needs a feature that the server, or the cluster behind it, does not have. Nothing was done. `feature`
    names it. Discovery lists the features that the server offers.
    """


class UnauthorizedError(KafkaError, code="unauthorized"):
    """The key is missing or not valid.

    The request has no `Authorization`, or its key is unknown, expired or revoked. Nothing was done. Send a valid key as
    `Authorization: Bearer <key>`. The response header `WWW-Authenticate` says what the server expects.
    """


class ForbiddenError(KafkaError, code="forbidden"):
    """The key does not allow this.

    The key is valid and its scopes do not cover this. The answer is the same whether the topic or group exists or not.
    Nothing was done. Ask whoever hands out keys for one with the scope that `detail` names, or use another name.
    """


class QuotaExceededError(KafkaError, code="quota_exceeded"):
    """Too much in too short a time.

    The key has used up its quota. Nothing was done, so waiting loses nothing. Wait for `retry_after_ms`, then send the
    request again. The header `Retry-After` says the same in whole seconds.
    """


class InvalidTopicNameError(KafkaError, code="invalid_topic_name"):
    """The topic name is not allowed.

    A topic name has 1 to 249 characters of `a-z`, `A-Z`, `0-9`, `.`, `_` and `-`, and is neither `.` nor `..`. A server
    may refuse further names, such as one that differs from an existing one only in `.` and `_`. Choose another name;
    `detail` says what is wrong with this one.
    """


class TopicAlreadyExistsError(KafkaError, code="topic_already_exists"):
    """The topic exists already.

    A topic of this name exists. It was left as it is. Use the existing topic or choose another name. After an earlier
    try whose effect was unknown, describe the topic: if its partitions and configs are those asked for, the creation
    has succeeded.
    """


class InvalidPartitionsError(KafkaError, code="invalid_partitions"):
    """The number of partitions is not possible.

    The topic would have more partitions than this server's limit `max_partitions_per_topic`, or not more than it has
    now; partitions are never taken away. Ask for another number; `detail` says which are possible. Discovery tells the
    limit.
    """


class InvalidReplicationFactorError(KafkaError, code="invalid_replication_factor"):
    """The topic cannot be kept as often as asked.

    The cluster behind the server has too few brokers for the replication factor that the topic would have. The protocol
    itself has no replication factor: the server chooses it, or a config does. Ask whoever runs the server for a default
    that the cluster can keep.
    """


class InvalidConfigError(KafkaError, code="invalid_config"):
    """A topic config is not allowed.

    The server does not know the config, or does not allow its value. `errors` points to each config and says what is
    allowed. Describing any topic lists the configs that the server knows.
    """


class PolicyViolationError(KafkaError, code="policy_violation"):
    """A rule of the server forbids this.

    The request is well formed and possible, but the server's operator has a rule against it: for a topic's name, number
    of partitions or configs, or against deleting records of a compacted topic. Nothing was done. `detail` says which
    rule. Keep to it, or ask whoever runs the server.
    """


class TopicNotFoundError(KafkaError, code="topic_not_found"):
    """The topic does not exist.

    There is no topic of this name, or it has another id than the request's `topic_id`: it was deleted and made again.
    In Apache Kafka the same error is retriable, because a broker's view of the cluster may be stale; here the server
    refreshes its view before it answers, so the answer is final. Create the topic, or correct its name. Offsets of a
    topic with another id mean nothing for this one. On a deletion that is sent again it means success.
    """


class PartitionNotFoundError(KafkaError, code="partition_not_found"):
    """The partition does not exist.

    The topic exists and has no partition of this number. Partitions are numbered from 0. Use a number below
    `partition_count`.
    """


class TopicDeletionDisabledError(KafkaError, code="topic_deletion_disabled"):
    """The server deletes no topics.

    The server's operator has switched off the deletion of topics. The topic is as it was. Ask whoever runs the server.
    """


class MessageTooLargeError(KafkaError, code="message_too_large"):
    """A record or a batch is too large.

    One record is larger than a record may be, or the records for one partition are together larger than a batch may be.
    The limits are the server's, and a topic's config may set lower ones. None of the batch was appended. Send fewer
    records for one partition in one request. A single record that is too large has to become smaller.
    """


class InvalidRecordError(KafkaError, code="invalid_record"):
    """The record is not allowed in this topic.

    The record is well formed, but the topic does not take it: a compacted topic, for example, takes no record without a
    key. It was not appended. `detail` says what the topic asks for. Correct the record, or the topic's configs.
    """


class InvalidTimestampError(KafkaError, code="invalid_timestamp"):
    """The record's timestamp is not allowed.

    The record's `timestamp_ms` lies further in the past or in the future than the topic's configs allow. It was not
    appended. Send a timestamp within the bounds, or none; then the server's clock gives it.
    """


class InvalidAcksError(KafkaError, code="invalid_acks"):
    """The acknowledgement that was asked for is not possible.

    The server does not give, for this request, the acknowledgement that `acks` asks for. Nothing was appended. A word
    that `acks` does not have is `invalid_request`. Use `acks: all`, the default.
    """


class NotAttemptedError(KafkaError, code="not_attempted"):
    """Not tried, because another item failed.

    Records of one request for one partition are appended together or not at all. Another one of them was refused, so
    this one was not tried. It is the error of an item only, never that of a whole answer: a problem has the code of the
    item that failed. Send the item again without the one that failed, or together with its correction.
    """


class NotLeaderError(KafkaError, code="not_leader"):
    """No leader of the partition could be reached.

    The partition has no leader at the moment, or the server asked a broker that no longer is it. This happens while
    leadership moves. Nothing was done that a repetition would do twice. Send the request again, after a pause that
    grows from try to try. A client has nothing to refresh; the server has.
    """


class NotEnoughReplicasError(KafkaError, code="not_enough_replicas"):
    """Too few replicas to append.

    With `acks: all` the partition needs more replicas in sync than it has. Nothing was appended. Wait until the
    replicas are back, then send the request again.
    """


class NotEnoughReplicasAfterAppendError(KafkaError, code="not_enough_replicas_after_append"):
    """Appended, but on too few replicas.

    The leader appended the records; then too few replicas were in sync to confirm them. They may stay in the log, or
    vanish with the leader. Readers may see them. With `producer`, send the identical request again. Without it, look
    into the topic first: sending again may append the records twice.
    """


class OffsetOutOfRangeError(KafkaError, code="offset_out_of_range"):
    """The offset lies outside the log.

    The offset lies below the first record that is still there, or beyond the end. Reading exactly at the end is no
    error. Read from `log_start_offset` (the oldest record) or from `high_watermark` (what comes next), both as seen
    when the server answered.
    """


class OffsetNotAvailableError(KafkaError, code="offset_not_available"):
    """The offset cannot be told yet.

    The partition's new leader does not know its end yet, or a committed offset is still waiting for a transaction of
    another protocol to end. Send the request again after a short pause.
    """


class UnknownProducerError(KafkaError, code="unknown_producer"):
    """The producer id is not known.

    The server has no such producer id, or no longer. These records were not appended. When the request was sent again
    after an answer that was lost, the first try may have been. Allocate a new producer id and begin at sequence 0.
    After a lost answer, report the effect as unknown instead: under a new id the records might stand in the log twice.
    """


class ProducerFencedError(KafkaError, code="producer_fenced"):
    """A newer epoch of this producer is active.

    The partition has seen a higher epoch of this producer id: another instance has taken over. These records were not
    appended. Stop this producer. If it is to go on, it allocates an id of its own; raising the epoch would only fence
    the other one.
    """


class OutOfOrderSequenceError(KafkaError, code="out_of_order_sequence"):
    """The sequence number is not the next one.

    The first sequence number is neither the next one nor that of one of the last five batches: records before it are
    missing, or it overlaps what was appended. These records were not appended now. When the request was sent again
    after an answer that was lost, the first try may have been. On a first try, the client has lost count: allocate a
    new producer id and begin at sequence 0. On a repetition, report the effect as unknown. Never give the same records
    new numbers.
    """


class GroupCoordinatorError(KafkaError, code="group_coordinator"):
    """The group's coordinator could not be reached.

    The broker that keeps this group is moving, loading or gone. This passes by itself. Nothing was done that a
    repetition would do twice. Send the request again, after a pause that grows from try to try. The member stays in the
    group meanwhile.
    """


class RebalanceInProgressError(KafkaError, code="rebalance_in_progress"):
    """The member's epoch is not the current one.

    A commit carries another epoch than the member has now, because partitions are being moved. Its offsets were not
    committed. Send a heartbeat. Then commit again with the new epoch, and only for the partitions that are still
    assigned.
    """


class UnknownMemberError(KafkaError, code="unknown_member"):
    """The group does not have this member.

    The group has no member of this id: it left, it was silent for longer than its session timeout, or the group is
    gone. Its partitions may belong to others already. Give up all partitions and join again with epoch 0. On leaving,
    it means that nothing is left to do.
    """


class FencedMemberEpochError(KafkaError, code="fenced_member_epoch"):
    """The member's epoch is not valid.

    The heartbeat's epoch is newer than the member's, or older than what a lost answer explains. Two clients may be
    using one member id. Give up all partitions at once, without a commit, and join again with epoch 0.
    """


class FencedInstanceIdError(KafkaError, code="fenced_instance_id"):
    """Another member has this instance id.

    A newer member has taken over the `instance_id` of this static member. Stop this member. If two processes are meant
    to run, each needs an `instance_id` of its own.
    """


class UnreleasedInstanceIdError(KafkaError, code="unreleased_instance_id"):
    """The instance id is still in use.

    The member that has this `instance_id` has not left. After a crash this lasts until its session timeout. Wait and
    join again, or let the other member leave. Two members cannot share an `instance_id`.
    """


class GroupNotFoundError(KafkaError, code="group_not_found"):
    """The group does not exist.

    There is no group of this name. A group begins with its first member or its first commit. Correct the name. On a
    deletion that is sent again it means success.
    """


class InvalidGroupIdError(KafkaError, code="invalid_group_id"):
    """The group id is not allowed.

    A group id has 1 to 255 bytes of UTF-8 without control characters, and is neither `.` nor `..`. Choose another id;
    `detail` says what is wrong with this one.
    """


class GroupNotEmptyError(KafkaError, code="group_not_empty"):
    """The group has members.

    A commit without a member, a reset and a deletion need a group without members, because a member would go on reading
    where it is. Nothing was done. Let all members leave, then send the request again. Describing the group lists them.
    """


class GroupFullError(KafkaError, code="group_full"):
    """The group takes no more members.

    The group has as many members as the server allows. The member has not joined. Wait until one leaves, then join
    again.
    """


class GroupTypeConflictError(KafkaError, code="group_type_conflict"):
    """The group is of another type.

    The name belongs to a group of another kind, such as one whose members use Kafka's classic protocol. It cannot be
    joined here. Choose another group, or let all members of that one leave first.
    """


class UnsupportedAssignorError(KafkaError, code="unsupported_assignor"):
    """The server does not have this assignor.

    The heartbeat's `assignor` is none that the server has. The member has not joined. Use `uniform` or `range`, or
    none; then the server's default is taken.
    """


class OffsetMetadataTooLargeError(KafkaError, code="offset_metadata_too_large"):
    """The metadata of a commit is too large.

    The text that goes with a committed offset is longer than the server keeps. The offset was not committed. Shorten
    the text, or leave it out.
    """


class KafkaTimeoutError(KafkaError, code="timeout"):
    """The outcome was not known in time.

    The server passed the request on and did not learn in time what became of it. It may have taken effect, or may yet.
    A request that changes nothing is answered with `unavailable` instead. With `producer`, send the identical request
    again. A plain produce may append its records twice: look into the topic first, or accept that. For other operations
    the chapter says what a repetition does.
    """


class UnavailableError(KafkaError, code="unavailable"):
    """The server cannot do this at the moment.

    The server, or the cluster behind it, is starting, stopping, moving or overloaded. Nothing was done that a
    repetition would do twice. Where the server cannot know that, it answers `timeout`. Send the request again, after a
    pause that grows from try to try.
    """


class InternalError(KafkaError, code="internal"):
    """The server failed.

    The server met a fault of its own, or an error of the cluster behind it that has no code here; then `kafka_error`
    may tell its number. Whether the request took effect is unknown. Report it to whoever runs the server.
    """


class DisconnectedError(KafkaError, code="disconnected"):
    """The connection to the server was lost.

    The client could not reach the server, lost the connection before the answer was complete, or got an answer that is
    not of this protocol. Whether the request took effect is unknown. A read may be repeated, and so may a produce with
    `producer`. Repeating a plain produce may append the records twice; look into the topic first, or accept that.
    """


class ClosedError(KafkaError, code="closed"):
    """The client is closed.

    The client was used after `close()`. Nothing was sent. Keep the client open for as long as it is used.
    """
