"""Calls the function on a client that says no in every way; prints what came of each.

Argument: the function's file.
"""

import json
import sys

from botocore.exceptions import ClientError, ReadTimeoutError
from function import Context, call, load

THROTTLED = "ProvisionedThroughputExceededException"


class Stream:
    """Takes records; `refuses(n, times)` says whether the nth of them is refused once more."""

    def __init__(self, refuses=lambda n, times: False, fails=lambda request: None):
        self.refuses, self.fails = refuses, fails
        self.stored, self.requests, self.bytes_max = [], [], 0
        self.refused = {}

    def put_records(self, StreamName, Records):
        self.requests.append(len(Records))
        size = sum(len(entry["Data"]) + len(entry["PartitionKey"]) for entry in Records)
        self.bytes_max = max(self.bytes_max, size)
        error, stores = self.fails(len(self.requests)) or (None, True)
        results = [self.put(entry) for entry in Records] if stores else []
        if error:
            raise error
        return {"Records": results}

    def put(self, entry):
        # Keyed by the partition key, which no two entries share; in order of first sight.
        number, times = self.refused.setdefault(entry["PartitionKey"], [len(self.refused), 0])
        if self.refuses(number, times):
            self.refused[entry["PartitionKey"]][1] += 1
            return {"ErrorCode": THROTTLED, "ErrorMessage": "Rate exceeded"}
        self.stored.append(entry["Data"])
        # As long as the real ones.
        return {"SequenceNumber": f"{len(self.stored):056}", "ShardId": "shardId-000000000000"}


def no_answer(request):
    """The first request arrives, its answer does not."""
    return (ReadTimeoutError(endpoint_url="stream"), True) if request == 1 else None


def refusal(code, status):
    error = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return lambda request: (ClientError(error, "PutRecords"), False)


def run(stream, count, context=None):
    function, pauses = load(sys.argv[1], "orders"), []
    function.kinesis, function.time.sleep = stream, pauses.append
    result = call(function, {"count": count}, context)
    return result | {
        "answerBytes": len(json.dumps(result["answer"])),
        "stored": stream.stored,
        "requests": stream.requests,
        "bytesMax": stream.bytes_max,
        "pauses": pauses,
    }


print(
    json.dumps(
        {
            "all taken": run(Stream(), 15_000),
            "refused twice at most": run(Stream(lambda n, times: times < n % 3), 1200),
            "refused for ever": run(Stream(lambda n, times: n % 7 == 0), 700),
            "no answer": run(Stream(fails=no_answer), 10),
            "no right": run(Stream(fails=refusal("AccessDeniedException", 400)), 10),
            "broken": run(Stream(fails=refusal("InternalFailure", 500)), 10),
            "no time": run(Stream(), 10, Context(remaining_ms=1000)),
            "bad counts": [run(Stream(), count) for count in (0, 15_001, "10", 1.5, True, None)],
        }
    )
)
