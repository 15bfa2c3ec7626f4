"""Loads the function of producer.yaml, for the scripts beside this one."""

import contextlib
import importlib.util
import io
import json
import os


def load(path, stream):
    """The function as a module of its own, putting on this stream."""
    os.environ["STREAM_NAME"] = stream
    spec = importlib.util.spec_from_file_location("index", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Context:
    """What Lambda hands to a function beside the event."""

    def __init__(self, remaining_ms=120_000):
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self.remaining_ms


def call(function, event, context=None):
    """Calls it as Lambda does: an answer or an error, and the lines of the log."""
    answer, error, log = None, None, io.StringIO()
    with contextlib.redirect_stdout(log):
        try:
            answer = json.loads(json.dumps(function.handler(event, context or Context())))
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
    lines = log.getvalue().splitlines()
    return {
        "answer": answer,
        "error": error,
        "log": [json.loads(line) for line in lines],
        "longestLine": max(map(len, lines), default=0),
    }
