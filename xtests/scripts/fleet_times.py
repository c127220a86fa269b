"""Times the questions of docs/fleet.md over the columns in a directory: fleet_times.py DOC EVENTS"""
import re
import sys
import time

doc, events = open(sys.argv[1]).read(), sys.argv[2]
view = {kind: re.search(r"```sql %s\n(.*?)```" % kind, doc, re.S).group(1).replace("/mnt/evidence/events", events)
        for kind in ("duckdb", "clickhouse")}
asked = re.findall(r"### (\d+\..*?)\n.*?```sql\n(.*?)```", doc[doc.index("## Ten questions"):], re.S)

import duckdb
from chdb import session

duck, click = duckdb.connect(), session.Session()
duck.execute(view["duckdb"])
click.query(view["clickhouse"])
print("| question | DuckDB, s | ClickHouse, s |\n|---|---|---|")
for title, sql in [("all events, counted", "SELECT count(*) FROM events")] + asked:
    sql = sql.rstrip().rstrip(";")
    times = []
    for ask in (lambda: duck.execute(sql).fetchall(), lambda: str(click.query(sql, "JSONCompactEachRow"))):
        best = 1e9
        for _ in range(3):
            begun = time.monotonic()
            ask()
            best = min(best, time.monotonic() - begun)
        times.append(f"{best:.2f}")
    print(f"| {title} | {' | '.join(times)} |", flush=True)
click.close()
