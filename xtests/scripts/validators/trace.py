"""Checks a trace of the Trace Event Format (JSON object form): FILE. Counts tracks."""
import json
import sys

trace = json.load(open(sys.argv[1], encoding="utf-8"))
assert isinstance(trace["traceEvents"], list) and trace["displayTimeUnit"] in ("ms", "ns")
open_slices, last = {}, {}
for event in trace["traceEvents"]:
    assert event["ph"] in "BEiM" and type(event["pid"]) is type(event["tid"]) is int, event
    assert type(event["ts"]) is float and event["ts"] >= 0, event
    track = event["pid"], event["tid"]
    if event["ph"] == "M":
        assert event["name"] in ("process_name", "thread_name") and event["args"]["name"], event
    elif event["ph"] == "i":
        assert event["s"] in "gpt" and event["name"], event
    else:
        assert event["ts"] >= last.get(track, 0), event
        last[track] = event["ts"]
        if event["ph"] == "B":
            assert event["name"], event
        depth = open_slices[track] = open_slices.get(track, 0) + (1 if event["ph"] == "B" else -1)
        assert 0 <= depth <= 1, event
assert not any(open_slices.values()), open_slices
print(len(open_slices))
