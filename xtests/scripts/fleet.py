"""Asks the questions of docs/fleet.md: DuckDB and ClickHouse's engine over columns, Python over the lines.

fleet.py DOC EVENTS LINES [S3 KEY SECRET | --duckdb]: EVENTS is the directory of the columns, LINES a file of
JSON lines, S3 the address of the same columns in a bucket; --duckdb asks no other engine. Ends with 1 and says
which answer differs.
"""
import json
import re
import sys
from collections import defaultdict


def blocks(doc, kind):
    return re.findall(r"```sql%s\n(.*?)```" % (" " + kind if kind else ""), doc, re.S)


def questions(doc):
    part = doc[doc.index("## Ten questions"):]
    return re.findall(r"### (\d+)\..*?```sql\n(.*?)```", part, re.S)


def plain(row):
    return tuple(int(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else v for v in row)


def duckdb_answers(doc, events, fill):
    import duckdb
    base = duckdb.connect()
    view, = blocks(doc, "duckdb")
    base.execute(view.replace("/mnt/evidence/events", events))
    return {n: [plain(r) for r in base.execute(fill(sql)).fetchall()] for n, sql in questions(doc)}


def chdb_answers(doc, source, fill):
    from chdb import session
    base = session.Session()
    view, = blocks(doc, "clickhouse")
    source(base, view)
    answers = {}
    for n, sql in questions(doc):
        text = str(base.query(fill(sql).rstrip().rstrip(";"), "JSONCompactEachRow"))
        rows = [json.loads(line) for line in text.splitlines()]
        # ClickHouse writes 64 bits as text, as JavaScript loses some of them.
        answers[n] = [tuple(int(v) if isinstance(v, str) and v.isdigit() else v for v in r) for r in rows]
    base.close()
    return answers


def from_directory(events):
    def make(base, view):
        base.query(view.replace("/mnt/evidence/events", events))
    return make


def from_table(doc, events):
    """Loaded twice into a table of its own: a row is there once."""
    def make(base, view):
        table, = blocks(doc, "clickhouse-table")
        base.query("CREATE DATABASE fleet ENGINE = Atomic; ")
        base.query(table.replace("CREATE TABLE events", "CREATE TABLE fleet.loaded"))
        load = f"INSERT INTO fleet.loaded SELECT * FROM file('{events}/*/*/*.parquet', Parquet) SETTINGS use_hive_partitioning = 0"
        base.query(load)
        base.query(load)
        base.query("CREATE VIEW events AS SELECT * FROM fleet.loaded FINAL")
    return make


def from_bucket(s3, key, secret):
    def make(base, view):
        base.query(
            f"CREATE VIEW events AS SELECT * FROM s3('{s3}/*/*/*.parquet', '{key}', '{secret}', Parquet) "
            "SETTINGS use_hive_partitioning = 0")
    return make


def record(lines, wanted_hash):
    """The same answers, out of the lines themselves."""
    events, runs = [], {}
    for line in lines:
        event = json.loads(line)
        if event["type"] == "start":
            runs[event["run"]] = (event.get("host"), event.get("name"), event["ts"][:10])
        events.append(event)
    for e in events:
        e["_host"], e["_name"], e["_date"] = runs[e["run"]]
    today = max(e["_date"] for e in events)
    ip = lambda e: e["peer"].rsplit(":", 1)[0].strip("[]") if "peer" in e else None
    dest = lambda e: e.get("host") or ip(e)
    out = {}

    first = {}
    for e in events:
        if e["type"] == "net" and e["op"] in ("connect", "send", "flow") and ip(e) and not ip(e).startswith("127.") and ip(e) != "::1":
            at = (e["_host"], dest(e))
            first[at] = min(first.get(at, "9"), e["_date"])
    out["1"] = [at for at, date in first.items() if date == today]

    ran, named = {}, defaultdict(set)
    for e in events:
        if e["_name"] and e["type"] == "exec":
            at = (e["_host"], e["_name"], e.get("exe"))
            ran[at] = min(ran.get(at, "~"), e["run"])
        if e["_name"] and e["type"] == "start":
            named[e["_host"], e["_name"]].add(e["run"])
    out["2"] = [at for at, run in ran.items() if len(named[at[:2]]) > 1 and run == max(named[at[:2]])]

    def counted(wanted, *fields):
        counts = defaultdict(int)
        for e in filter(wanted, events):
            counts[tuple(e["_host"] if f == "host" else e.get(f) for f in fields)] += 1
        return [at + (n,) for at, n in counts.items()]

    out["3"] = counted(lambda e: e["type"] == "hash" and e["op"] == "exec" and e.get("blake3") == wanted_hash, "host", "run", "path")
    lost, verdict = defaultdict(int), {}
    for e in events:
        if e["type"] == "lost":
            lost[e["_host"], e["run"]] += e["count"]
        if e["type"] == "end":
            verdict[e["_host"], e["run"]] = e["verdict"]
    out["4"] = [at + (v, lost[at]) for at, v in verdict.items() if not v.startswith("complete") or lost[at]]
    changes = ("create", "write", "truncate", "rename", "delete")
    out["5"] = counted(lambda e: e["type"] == "file" and e["op"] in changes and (e.get("path") or "").endswith("/authorized_keys"),
                       "host", "run", "exe", "op", "path")
    sent = defaultdict(int)
    for e in events:
        if e["type"] == "net" and e["op"] == "flow" and e.get("sent_bytes", 0) > 0:
            sent[e["_host"], dest(e)] += e["sent_bytes"]
    out["6"] = [at + (n,) for at, n in sorted(sent.items(), key=lambda it: (-it[1], it[0]))][:20]
    out["7"] = counted(lambda e: e["type"] == "finding", "host", "severity", "rule")
    out["8"] = counted(lambda e: e["type"] == "exec" and e.get("secure"), "host", "run", "exe")
    seen = defaultdict(list)
    for e in events:
        if e["type"] == "exec":
            seen[e.get("exe")].append(e)
    out["9"] = [(exe, len({e["_host"] for e in es}), len(es)) for exe, es in seen.items() if min(e["_date"] for e in es) == today]
    status = {e["run"]: e["code"] if "code" in e else 128 + e["signal"] for e in events
              if e["type"] == "end" and e["_name"] and ("code" in e or "signal" in e)}
    did = {(e["_host"], e["_name"], e["run"], e["op"], e["path"]) for e in events
           if e["type"] == "file" and e["_name"] and e.get("path")}
    good = {(h, n, op, p) for h, n, run, op, p in did if status.get(run) == 0}
    out["10"] = [(h, n, run, status[run], op, p) for h, n, run, op, p in did
                 if status.get(run, 0) != 0 and (h, n, op, p) not in good]
    return out


def main():
    doc, events, lines = open(sys.argv[1]).read(), sys.argv[2], open(sys.argv[3], encoding="utf-8")
    texts = list(lines)
    hashes = [e["blake3"] for e in map(json.loads, texts) if e["type"] == "hash" and e["op"] == "exec" and "blake3" in e]
    wanted = max(set(hashes), key=lambda h: (hashes.count(h), h)) if hashes else "none"
    fill = lambda sql: sql.replace("'HASH'", f"'{wanted}'")
    told = {"record": record(texts, wanted), "duckdb": duckdb_answers(doc, events, fill)}
    if sys.argv[4:] != ["--duckdb"]:
        told["clickhouse"] = chdb_answers(doc, from_directory(events), fill)
        told["clickhouse, loaded twice"] = chdb_answers(doc, from_table(doc, events), fill)
    if len(sys.argv) > 5:
        told["clickhouse, s3"] = chdb_answers(doc, from_bucket(*sys.argv[4:7]), fill)
    key = lambda row: tuple((v is None, str(v)) for v in row)
    wrong = 0
    for n in sorted(told["record"], key=int):
        answers = {who: sorted(map(tuple, a[n]), key=key) for who, a in told.items()}
        for who, rows in answers.items():
            if rows != answers["record"]:
                wrong += 1
                print(f"question {n}: {who} says {rows}\n  the record says {answers['record']}", file=sys.stderr)
        print(f"question {n}: {len(answers['record'])} rows by {len(answers)} readers")
    sys.exit(1 if wrong else 0)


main()
