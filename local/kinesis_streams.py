"""Kinesis where MiniStack's differs in a way that hides or causes data loss.

A resharding here leaves the parent shards closed and readable, as on AWS, and gives the children new ids and their
parents' names; MiniStack drops the parents with the records in them. Sequence numbers have AWS's 56 digits.
"""

import json
import time

from ministack.core.responses import error_response_json, json_response
from ministack.services import kinesis


def install():
    kinesis._next_sequence_number = _next_sequence_number
    kinesis._expire_records = _expire_records
    kinesis._route_to_shard = _route_to_shard
    kinesis._shard_out = _shard_out_with_end(kinesis._shard_out)
    kinesis._describe_stream_summary = _count_open(kinesis._describe_stream_summary)
    kinesis._get_records = _end_closed(kinesis._get_records)
    kinesis._split_shard = _split_shard
    kinesis._merge_shards = _merge_shards
    kinesis._update_shard_count = _update_shard_count


def is_closed(shard):
    return "ending_sequence_number" in shard


def parents_of(shard):
    return [parent for parent in (shard.get("parent_shard_id"), shard.get("adjacent_parent_shard_id")) if parent]


def _next_sequence_number():
    with kinesis._sequence_lock:
        kinesis._sequence_counter += 1
        return f"49{int(time.time() * 1000):020d}{kinesis._sequence_counter:034d}"


def _expire_records(stream):
    """The oldest records go by age. Only the front is looked at: a full copy per call makes producers quadratic."""
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        records = shard["records"]
        expired = 0
        while expired < len(records) and records[expired]["ApproximateArrivalTimestamp"] < cutoff:
            expired += 1
        if expired:
            shard["records"] = records[expired:]


def _open_shards(stream):
    return {shard_id: shard for shard_id, shard in stream["shards"].items() if not is_closed(shard)}


def _route_to_shard(hash_key, stream):
    for shard_id, shard in _open_shards(stream).items():
        if int(shard["starting_hash_key"]) <= hash_key <= int(shard["ending_hash_key"]):
            return shard_id
    raise LookupError(f"no open shard of {stream['StreamName']} has the hash key {hash_key}")


def _shard_out_with_end(shard_out):
    def with_end(shard_id, shard):
        result = shard_out(shard_id, shard)
        if is_closed(shard):
            result["SequenceNumberRange"]["EndingSequenceNumber"] = shard["ending_sequence_number"]
        return result

    return with_end


def _count_open(describe_stream_summary):
    def with_open_count(data):
        status, headers, body = describe_stream_summary(data)
        _name, stream = kinesis._resolve_stream(data)
        if status != 200 or stream is None:
            return status, headers, body
        summary = json.loads(body)
        summary["StreamDescriptionSummary"]["OpenShardCount"] = len(_open_shards(stream))
        return json_response(summary)

    return with_open_count


def _end_closed(get_records):
    """A closed shard that is read to its end has no next iterator, and names its children."""

    def with_end(data):
        state = kinesis._shard_iterators.get(data.get("ShardIterator"))
        status, headers, body = get_records(data)
        stream = kinesis._streams.get(state["stream"]) if state else None
        shard = stream["shards"].get(state["shard_id"]) if stream else None
        if status != 200 or shard is None or not is_closed(shard):
            return status, headers, body
        result = json.loads(body)
        following = kinesis._shard_iterators.get(result["NextShardIterator"])
        if following["position"] < len(shard["records"]):
            return status, headers, body
        del result["NextShardIterator"]
        result["ChildShards"] = [
            {"ShardId": child_id, "ParentShards": parents_of(child),
             "HashKeyRange": {"StartingHashKey": child["starting_hash_key"], "EndingHashKey": child["ending_hash_key"]}}
            for child_id, child in sorted(stream["shards"].items()) if state["shard_id"] in parents_of(child)]
        return json_response(result)

    return with_end


def _close(shard):
    shard["ending_sequence_number"] = _next_sequence_number()


def _add(stream, first_hash, last_hash, parent, adjacent_parent=None):
    shard_id = f"shardId-{kinesis._max_shard_index(stream) + 1:012d}"
    stream["shards"][shard_id] = {
        "records": [],
        "starting_hash_key": str(first_hash),
        "ending_hash_key": str(last_hash),
        "starting_sequence_number": _next_sequence_number(),
        "parent_shard_id": parent,
        "adjacent_parent_shard_id": adjacent_parent,
    }
    return shard_id


def _split(stream, shard_id, at):
    shard = stream["shards"][shard_id]
    _close(shard)
    _add(stream, shard["starting_hash_key"], at - 1, shard_id)
    _add(stream, at, shard["ending_hash_key"], shard_id)


def _merge(stream, lower_id, upper_id):
    lower, upper = stream["shards"][lower_id], stream["shards"][upper_id]
    _close(lower)
    _close(upper)
    _add(stream, lower["starting_hash_key"], upper["ending_hash_key"], lower_id, upper_id)


def _split_shard(data):
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
    shard_id, at = data.get("ShardToSplit"), data.get("NewStartingHashKey")
    shard = stream["shards"].get(shard_id)
    if shard is None:
        return error_response_json("ResourceNotFoundException", f"Shard {shard_id} not found", 400)
    if is_closed(shard):
        return error_response_json("InvalidArgumentException", f"Shard {shard_id} is closed", 400)
    if not at or not int(shard["starting_hash_key"]) < int(at) <= int(shard["ending_hash_key"]):
        return error_response_json("InvalidArgumentException", "NewStartingHashKey must be within the shard's range", 400)
    _split(stream, shard_id, int(at))
    return json_response({})


def _merge_shards(data):
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
    pair = [data.get("ShardToMerge"), data.get("AdjacentShardToMerge")]
    for shard_id in pair:
        if shard_id not in stream["shards"]:
            return error_response_json("ResourceNotFoundException", f"Shard {shard_id} not found", 400)
        if is_closed(stream["shards"][shard_id]):
            return error_response_json("InvalidArgumentException", f"Shard {shard_id} is closed", 400)
    lower, upper = sorted(pair, key=lambda shard_id: int(stream["shards"][shard_id]["starting_hash_key"]))
    if int(stream["shards"][lower]["ending_hash_key"]) + 1 != int(stream["shards"][upper]["starting_hash_key"]):
        return error_response_json("InvalidArgumentException", f"Shards {lower} and {upper} are not adjacent", 400)
    _merge(stream, lower, upper)
    return json_response({})


def _update_shard_count(data):
    """Uniform scaling by splits and merges, as AWS does it: every child has its parents in the list of shards."""
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
    target = int(data.get("TargetShardCount") or 0)
    if target < 1:
        return error_response_json("InvalidArgumentException", "TargetShardCount must be at least 1", 400)
    current = len(_open_shards(stream))
    ranges = [(int(first), int(last)) for first, last in kinesis._compute_hash_ranges(target)]
    for first, _last in ranges:
        for shard_id, shard in _open_shards(stream).items():
            if int(shard["starting_hash_key"]) < first <= int(shard["ending_hash_key"]):
                _split(stream, shard_id, first)
    for first, last in ranges:
        while len(inside := _open_within(stream, first, last)) > 1:
            _merge(stream, inside[0], inside[1])
    return json_response({"StreamName": stream["StreamName"], "CurrentShardCount": current,
                          "TargetShardCount": target, "StreamARN": stream["StreamARN"]})


def _open_within(stream, first, last):
    inside = [(int(shard["starting_hash_key"]), shard_id) for shard_id, shard in _open_shards(stream).items()
              if first <= int(shard["starting_hash_key"]) and int(shard["ending_hash_key"]) <= last]
    return [shard_id for _start, shard_id in sorted(inside)]
