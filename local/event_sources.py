"""Event source mappings of Kinesis and DynamoDB streams, one thread per mapping and shard.

MiniStack serves all of them from one thread, so a slow function of one cell holds up every other function of every
cell. Here each shard of each mapping is read by a thread of its own: never two invocations of one at a time, records
in order. Beyond that it honours what MiniStack leaves out: the batching window, the size of a payload, partial batch
responses, bisecting, and that a child shard is read after its parents.
Not there: parallelization factor and tumbling windows.
"""

import base64
import bisect
import contextvars
import logging
import threading
import time

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import dynamodb, kinesis, lambda_svc

from kinesis_streams import is_closed, parents_of

logger = logging.getLogger("event_sources")

RETRY_SECONDS = 1.0
# Lambda's payload limit for a synchronous invocation.
PAYLOAD_BYTES = 6 * 1024 * 1024
# What a record's envelope adds to its data in the event.
ENVELOPE_BYTES = 600

_readers = {}
_positions = {}


def install():
    # The one poll loop stays for SQS. For streams it now only sees to it that readers exist, and wakes them.
    lambda_svc._poll_kinesis = _wake_readers
    # After a wake that found nothing new; each look costs microseconds.
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = 0.01
    lambda_svc._poll_dynamodb_streams = lambda: False
    remember_table_position = lambda_svc._init_stream_position

    def init_stream_position(mapping_id, source_arn, starting):
        remember_table_position(mapping_id, source_arn, starting)
        _remember_shard_positions(mapping_id, source_arn, starting)

    lambda_svc._init_stream_position = init_stream_position


def _remember_shard_positions(mapping_id, source_arn, starting):
    """LATEST means: after what the shards hold when the mapping is made. A shard that comes later is read from its
    first record, else what was put between a resharding and the next look would be skipped."""
    stream = _stream_of(source_arn)
    if stream is None or starting != "LATEST":
        return
    newest = {shard_id: shard["records"][-1]["SequenceNumber"] if shard["records"] else ""
              for shard_id, shard in stream["shards"].items()}
    _positions.setdefault(mapping_id, {}).update(newest)


def _stream_of(source_arn):
    try:
        arn = parse_arn(source_arn)
    except ArnParseError:
        return None
    if arn.service != "kinesis":
        return None
    stream = kinesis._streams.get_scoped(arn.account_id, arn.region, arn.resource.removeprefix("stream/"))
    return stream if stream and stream["StreamARN"] == source_arn else None


def _wake_readers():
    """Starts missing readers and rings those that have something to read. Returns True if it rang any."""
    rang = False
    for account, region, mapping in lambda_svc._iter_all_esms():
        for source in _sources_of(account, region, mapping):
            key = (account, region, mapping["UUID"], source.shard_id)
            reader = _readers.get(key)
            if reader is None or not reader.is_alive():
                if source.is_finished() or not source.is_startable():
                    continue
                reader = _readers[key] = Reader(account, region, mapping["UUID"], source)
                reader.start()
            elif reader.is_waiting and not reader.bell.is_set() and source.has_records():
                reader.bell.set()
                rang = True
    for key in [key for key, reader in _readers.items() if not reader.is_alive()]:
        del _readers[key]
    return rang


def _sources_of(account, region, mapping):
    stream = _stream_of(mapping.get("EventSourceArn", ""))
    if stream is not None:
        return [KinesisShard(stream, shard_id, mapping["UUID"]) for shard_id in list(stream["shards"])]
    if ":dynamodb:" in mapping.get("EventSourceArn", ""):
        return [TableStream(account, region, mapping)]
    return []


class KinesisShard:
    """What one mapping reads of one shard. Its position is a sequence number, so that expiry cannot shift it."""

    def __init__(self, stream, shard_id, mapping_id):
        self._stream = stream
        self._mapping_id = mapping_id
        self._done = _positions.setdefault(mapping_id, {})
        self.shard_id = shard_id

    def _shard(self):
        return self._stream["shards"].get(self.shard_id)

    def _unread_from(self, records):
        return bisect.bisect_right(records, self._done.get(self.shard_id, ""), key=lambda record: record["SequenceNumber"])

    def is_gone(self):
        return _stream_of(self._stream["StreamARN"]) is not self._stream or self._shard() is None

    def is_startable(self):
        """A child is read once its ancestors are read to their ends; an ancestor that is gone has expired. All of them:
        two reshardings in a row leave shards that never held a record."""
        parents = (KinesisShard(self._stream, parent, self._mapping_id)
                   for parent in parents_of(self._shard()) if parent in self._stream["shards"])
        return all(parent.is_finished() and parent.is_startable() for parent in parents)

    def is_finished(self):
        shard = self._shard()
        return shard is None or (is_closed(shard) and not self.has_records())

    def has_records(self):
        records = self._shard()["records"]
        return bool(records) and records[-1]["SequenceNumber"] > self._done.get(self.shard_id, "")

    def read(self, limit):
        """The next records for an invocation, as many as fit, and whether the batch is full."""
        records = self._shard()["records"]
        first = self._unread_from(records)
        batch, size = [], 0
        for record in records[first:first + limit]:
            size += len(record["Data"]) + ENVELOPE_BYTES
            if batch and size > PAYLOAD_BYTES:
                return batch, True
            batch.append(record)
        return batch, len(batch) >= limit or is_closed(self._shard())

    def advance(self, record):
        self._done[self.shard_id] = record["SequenceNumber"]

    def event_record(self, record):
        arn = self._stream["StreamARN"]
        data = record["Data"]
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": data if isinstance(data, str) else base64.b64encode(data).decode(),
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.shard_id}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{arn.split(':')[4]}:role/lambda-role",
            "awsRegion": arn.split(":")[3],
            "eventSourceARN": arn,
        }

    def sequence_number(self, record):
        return record["SequenceNumber"]

    def arrival(self, record):
        return record["ApproximateArrivalTimestamp"]

    def __str__(self):
        return f"{self._stream['StreamName']}/{self.shard_id}"


class TableStream:
    """What one mapping reads of a table's stream, which here is one shard. MiniStack keeps the position."""

    shard_id = "shardId-00000000000000000000-00000000"

    def __init__(self, account, region, mapping):
        self._scope = {"account_id": account, "region": region}
        self._arn = mapping["EventSourceArn"]
        self._id = mapping["UUID"]
        self._table = self._arn.split("/stream/")[0].split("/")[-1]
        self._read_from = 0

    def is_gone(self):
        table = dynamodb._tables.get_scoped(self._scope["account_id"], self._scope["region"], self._table)
        return not table or table.get("LatestStreamArn") != self._arn

    def is_startable(self):
        return not self.is_gone() and self._position() is not None

    def is_finished(self):
        return False

    def _position(self):
        return lambda_svc._dynamodb_stream_positions.get_scoped(self._scope["account_id"], self._scope["region"], self._id)

    def has_records(self):
        position = self._position()
        return position is not None and dynamodb.stream_end_position(self._table, **self._scope) > position

    def read(self, limit):
        start = max(self._position() or 0, dynamodb.stream_start_position(self._table, **self._scope))
        batch = dynamodb.stream_records_since(self._table, start, limit, **self._scope)
        self._batch = {id(record): start + i for i, record in enumerate(batch)}
        return batch, len(batch) >= limit

    def advance(self, record):
        with lambda_svc._dynamodb_stream_positions_lock:
            lambda_svc._dynamodb_stream_positions[self._id] = self._batch[id(record)] + 1

    def event_record(self, record):
        return record

    def sequence_number(self, record):
        return record["dynamodb"]["SequenceNumber"]

    def arrival(self, record):
        return float(record["dynamodb"].get("ApproximateCreationDateTime", time.time()))

    def __str__(self):
        return self._table


class Reader(threading.Thread):
    """Reads one source for one mapping: gathers a batch, invokes, and moves on, or tries again."""

    def __init__(self, account, region, mapping_id, source):
        super().__init__(name=f"mapping-{source}", daemon=True)
        self._account, self._region, self._mapping_id = account, region, mapping_id
        self._source = source
        self.bell = threading.Event()
        self.is_waiting = False
        self._failures = 0
        self._bisected = None

    def run(self):
        contextvars.copy_context().run(self._run)

    def _run(self):
        lambda_svc._request_account_id.set(self._account)
        lambda_svc._request_region.set(self._region)
        while not self._is_over():
            try:
                mapping = self._mapping()
                function = self._function(mapping)
                if function is None:
                    time.sleep(0.2)
                elif batch := self._gather(mapping):
                    self._deliver(mapping, function, batch)
                else:
                    self._wait_for_records()
            except Exception:  # noqa: BLE001, a reader that dies would stop its shard without a word
                logger.exception("mapping of %s failed, will go on", self._source)
                time.sleep(RETRY_SECONDS)
        # Its children may be waiting for this shard to end.
        lambda_svc._esm_wake.set()

    def _mapping(self):
        return lambda_svc._esms.get(self._mapping_id)

    def _is_over(self):
        return self._mapping() is None or self._source.is_gone() or self._source.is_finished()

    def _function(self, mapping):
        if mapping is None or str(mapping.get("Enabled", True)).lower() == "false":
            return None
        return lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))[0]

    def _wait_for_records(self):
        self.is_waiting = True
        # Looked at again after saying so: a record that came in between rings no bell.
        if not self._source.has_records():
            self.bell.wait(1.0)
        self.is_waiting = False
        self.bell.clear()

    def _gather(self, mapping):
        """A batch, waiting for more up to the batching window once there is a first record."""
        limit = self._bisected or int(mapping.get("BatchSize") or 100)
        batch, is_full = self._source.read(limit)
        window_ends = time.monotonic() + float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        while batch and not is_full and not self._failures:
            remaining = window_ends - time.monotonic()
            if remaining <= 0 or self._is_over():
                break
            time.sleep(min(remaining, 0.1))
            batch, is_full = self._source.read(limit)
        return batch

    def _deliver(self, mapping, function, batch):
        events = [self._source.event_record(record) for record in batch]
        matching = lambda_svc._apply_filter_criteria(events, mapping)
        if not matching:
            self._source.advance(batch[-1])
            return
        result = lambda_svc._execute_function(function, {"Records": matching})
        if result.get("log"):
            logger.info("%s:\n%s", mapping["FunctionName"], result["log"])
        done = 0 if result.get("error") else self._completed(mapping, batch, result.get("body"))
        if done > 0:
            self._source.advance(batch[done - 1])
        if done == len(batch):
            mapping["LastProcessingResult"] = f"OK - {len(batch)} records"
            self._failures, self._bisected = 0, None
            logger.info("%s took %d records of %s", mapping["FunctionName"], len(batch), self._source)
            return
        self._failures = 0 if done else self._failures
        self._retry_later(mapping, function, batch[done:], result)

    def _completed(self, mapping, batch, answer):
        """How many records from the front are done, by Lambda's rules for a partial batch response."""
        if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []) or not isinstance(answer, dict):
            return len(batch)
        failures = answer.get("batchItemFailures")
        if not failures:
            return len(batch)
        failed = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures}
        order = [self._source.sequence_number(record) for record in batch]
        if not failed <= set(order):
            return 0
        return min(order.index(sequence_number) for sequence_number in failed)

    def _retry_later(self, mapping, function, rest, result):
        self._failures += 1
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        error = result.get("body") if result.get("error") else "batch item failures"
        logger.warning("%s failed on %d records of %s (attempt %d): %s",
                       mapping["FunctionName"], len(rest), self._source, self._failures, error)
        if self._is_given_up(mapping, rest):
            logger.error("%s: %d records of %s are skipped, the mapping allows no more", mapping["FunctionName"], len(rest), self._source)
            if isinstance(self._source, TableStream):
                condition = "RetryAttemptsExhausted"
                lambda_svc._send_ddb_stream_failure_record(mapping, function, rest, mapping["EventSourceArn"], result, condition)
            self._source.advance(rest[-1])
            self._failures, self._bisected = 0, None
            return
        can_bisect = str(mapping.get("BisectBatchOnFunctionError", False)).lower() == "true"
        if can_bisect and result.get("error") and len(rest) > 1:
            self._bisected = len(rest) // 2
        else:
            time.sleep(RETRY_SECONDS)

    def _is_given_up(self, mapping, rest):
        attempts = mapping.get("MaximumRetryAttempts")
        age = mapping.get("MaximumRecordAgeInSeconds")
        if attempts is not None and int(attempts) >= 0 and self._failures > int(attempts):
            return True
        return age is not None and int(age) > 0 and time.time() - self._source.arrival(rest[0]) > int(age)
