"""Calls the function on streams of an emulator; prints its answers and what is in the streams.

Argument: the function's file.
"""

import json
import sys

import boto3
from function import call, load

EVENTS = [None, {}, {"count": 1}, {"count": 1200}]
SHARDS = 4

kinesis = boto3.client("kinesis")


def read(stream):
    """Every record of every shard, as the function's manifest spells it."""
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        place = {"StreamName": stream, "ShardId": shard["ShardId"]}
        iterator = kinesis.get_shard_iterator(**place, ShardIteratorType="TRIM_HORIZON")
        iterator, behind = iterator["ShardIterator"], 1
        while iterator and behind:
            answer = kinesis.get_records(ShardIterator=iterator)
            for record in answer["Records"]:
                yield {
                    "sequenceNumber": record["SequenceNumber"],
                    "shardId": shard["ShardId"],
                    "partitionKey": record["PartitionKey"],
                    "record": record["Data"].decode(),
                }
            iterator, behind = answer.get("NextShardIterator"), answer["MillisBehindLatest"]


runs = []
for number, event in enumerate(EVENTS):
    stream = f"records-{number}"
    kinesis.create_stream(StreamName=stream, ShardCount=SHARDS)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    run = call(load(sys.argv[1], stream), event)
    runs.append(run | {"event": event, "stream": list(read(stream))})
print(json.dumps(runs))
