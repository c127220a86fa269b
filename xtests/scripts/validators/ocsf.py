import json,sys
from ocsf_json_schema import get_ocsf_schema, OcsfJsonSchemaEmbedded
from jsonschema import Draft202012Validator
s=OcsfJsonSchemaEmbedded(get_ocsf_schema('1.7.0'))
v={}
n=0; bad=[]
for line in open(sys.argv[1],encoding='utf-8'):
    e=json.loads(line); n+=1
    c=e['class_uid']
    if c not in v:
        v[c]=Draft202012Validator(s.get_class_schema(s.lookup_class_name_from_uid(c), ['host']))
    for x in v[c].iter_errors(e): bad.append((c,list(x.absolute_path),x.message[:150]))
for b in bad[:30]: print(b)
print(n)
sys.exit(bool(bad))
