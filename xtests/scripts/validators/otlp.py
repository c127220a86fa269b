import json,sys
from google.protobuf import json_format
from opentelemetry.proto.logs.v1 import logs_pb2
n=0
for line in open(sys.argv[1],encoding='utf-8'):
    data=json_format.Parse(line, logs_pb2.LogsData())
    for r in data.resource_logs:
        assert any(a.key=='host.name' for a in r.resource.attributes)
        for s in r.scope_logs:
            for l in s.log_records:
                n+=1; assert l.time_unix_nano>0 and l.event_name.startswith('audit.'), l
print(n)
