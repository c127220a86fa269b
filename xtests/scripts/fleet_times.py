"""Times `audit export` of the runs in WORK/home, and the questions of docs/fleet.md over the columns that come
of it: fleet_times.py DOC AUDIT WORK"""
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb
from chdb import session

doc, audit, work = open(sys.argv[1]).read(), sys.argv[2], Path(sys.argv[3])
runs = sorted(os.listdir(work / "home/runs"))
columns = work / "events"
view = {kind: re.search(r"```sql %s\n(.*?)```" % kind, doc, re.S).group(1).replace("/mnt/evidence/events", str(columns))
        for kind in ("duckdb", "clickhouse")}
asked = re.findall(r"### (\d+\..*?)\n.*?```sql\n(.*?)```", doc[doc.index("## Ten questions"):], re.S)


def size(of):
    return sum(path.stat().st_size for path in of)


def exported():
    """Seconds by the clock and of processors, and the most memory of the program so far, in MB."""
    columns.mkdir(exist_ok=True)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([audit, "export", *runs, "--format", "parquet", "-o", columns], check=True,
                   env={**os.environ, "AUDIT_HOME": str(work / "home")})
    took, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


print(f"{len(runs)} runs, {size(work.glob('home/runs/*/segments/*')) / 1e6:.0f} MB of segments")
told = {what: exported() for what in ("derived on the way", "derived before")}
duck, click = duckdb.connect(), session.Session()
duck.execute(view["duckdb"])
click.query(view["clickhouse"])
count, = duck.execute("SELECT count(*) FROM events").fetchone()
for what, (took, cpu, memory) in told.items():
    print(f"exported, {what}: {took:.0f} s, {count / took:.0f} events/s; {cpu:.0f} s of CPU, {count / cpu:.0f} events/s; {memory:.0f} MB")
files = list(columns.glob("*/*/*.parquet"))
print(f"{count} events, {len(files)} files of {size(files) / 1e6:.0f} MB, {size(files) / count:.1f} bytes an event")
print("| question | rows | DuckDB, s | ClickHouse, s |\n|---|---|---|---|")
for title, sql in [("all events, counted", "SELECT count(*) FROM events")] + asked:
    sql = sql.rstrip().rstrip(";").replace("'HASH'", f"'{'01' * 32}'")
    times = []
    for ask in (lambda: len(duck.execute(sql).fetchall()), lambda: str(click.query(sql, "JSONCompactEachRow")).count("\n")):
        best = 1e9
        for _ in range(3):
            begun = time.monotonic()
            rows = ask()
            best = min(best, time.monotonic() - begun)
        times.append((f"{best:.2f}", rows))
    (duck_s, rows), (click_s, click_rows) = times
    assert rows == click_rows, f"{title}: {rows} rows and {click_rows}"
    print(f"| {title} | {rows} | {duck_s} | {click_s} |", flush=True)
click.close()
