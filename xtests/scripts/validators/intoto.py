"""Statements, bare or in envelopes: ENVELOPE.json [KEY.pub]. Counts statements."""
import base64
import hashlib
import json
import sys

from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1 import statement_pb2

public, path = (sys.argv[1], sys.argv[2]) if len(sys.argv) > 2 else (None, sys.argv[1])


def opened(line):
    if public is None:
        return line
    from cryptography.hazmat.primitives import serialization
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    text = open(public, "rb").read()
    blob = base64.b64decode(text.split()[1])
    keyid = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    raw = serialization.load_ssh_public_key(text).public_bytes_raw()
    key = SSlibKey(keyid, "ed25519", "ed25519", {"public": raw.hex()})
    envelope = Envelope.from_dict(json.loads(line))
    assert envelope.payload_type == "application/vnd.in-toto+json"
    envelope.verify([key], 1)
    return envelope.payload


count = 0
for line in open(path, encoding="utf-8"):
    text = opened(line)
    statement = Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement()))
    statement.validate()
    data = json.loads(text)
    assert data["predicateType"] == "https://in-toto.io/attestation/runtime-trace/v0.1"
    predicate = data["predicate"]
    # Fields and types of spec/predicates/runtime-trace.md.
    shape = {
        "monitor": {"type": str, "configSource": dict, "tracePolicy": dict},
        "monitoredProcess": {"hostID": str, "type": str, "event": str},
        "monitorLog": {"process": list, "network": list, "fileAccess": list},
        "metadata": {"buildStartedOn": str, "buildFinishedOn": str},
    }
    for part, fields in shape.items():
        for name, kind in fields.items():
            assert isinstance(predicate[part][name], kind), (part, name)
    for file in predicate["monitorLog"]["fileAccess"]:
        assert file["name"] and file["annotations"]["operations"], file
    assert predicate["completeness"]["verdict"] == "complete", predicate["completeness"]
    assert all(number == 0 for number in predicate["completeness"]["cut"].values())
    count += 1
print(count)
