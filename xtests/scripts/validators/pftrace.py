"""Parses a trace by Perfetto's own messages: FILE. Counts tracks of processes."""
import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb

trace = pb.Trace()
trace.ParseFromString(open(sys.argv[1], "rb").read())


def known(message):
    assert len(UnknownFieldSet(message)) == 0, message
    for field, value in message.ListFields():
        if field.message_type:
            for one in [value] if hasattr(value, "ListFields") else value:
                known(one)


runs, tracks, depth, last = set(), set(), {}, {}
for packet in trace.packet:
    known(packet)
    assert packet.trusted_packet_sequence_id and packet.HasField("timestamp"), packet
    if packet.HasField("track_descriptor"):
        track = packet.track_descriptor
        if track.HasField("process"):
            runs.add(track.uuid)
            assert track.process.process_name, track
        else:
            assert track.parent_uuid in runs and track.thread.thread_name, track
            tracks.add(track.uuid)
        continue
    event = packet.track_event
    assert event.track_uuid in tracks | runs, event
    assert event.type == pb.TrackEvent.TYPE_SLICE_END or event.name, event
    if event.type == pb.TrackEvent.TYPE_INSTANT:
        continue
    assert packet.timestamp >= last.get(event.track_uuid, 0), packet
    last[event.track_uuid] = packet.timestamp
    step = 1 if event.type == pb.TrackEvent.TYPE_SLICE_BEGIN else -1
    depth[event.track_uuid] = depth.get(event.track_uuid, 0) + step
    assert 0 <= depth[event.track_uuid] <= 1, event
assert runs and not any(depth.values()), depth
print(len(tracks))
