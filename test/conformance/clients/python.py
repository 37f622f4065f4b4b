"""The steps of every client, in Python with psycopg2."""

import datetime
import json
import os

import psycopg2

connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()


def tell(step, answer):
    print(json.dumps({"step": step, "answer": answer}))


def run(statement, *values):
    """Executes a statement; answers the number of its rows, or the SQLSTATE of its refusal."""
    try:
        cursor.execute(statement, values)
        return cursor.rowcount
    except psycopg2.Error as error:
        return error.pgcode


INSERT = "insert into jobtable.job (type, payload) values (%s, %s)"

tell("plain", run(INSERT, "conform", json.dumps({"step": "plain"})))

rows = [("conform", json.dumps({"step": "multi-row", "n": n})) for n in (1, 2, 3)]
tell("multi-row", run(INSERT + ", (%s, %s), (%s, %s)", *[value for row in rows for value in row]))

columns = """id status payload owner title properties priority run_at paused max_attempts timeout
    cpus memory_mb key template parent cancel_requested""".split()
tell(
    "nulls",
    run(
        f"""insert into jobtable.job (type, {', '.join(columns)})
            values (%s, {', '.join('%s' for _ in columns)})""",
        "conform",
        *[None for _ in columns],
    ),
)

tell(
    "later",
    run(
        "insert into jobtable.job (type, payload, run_at) values (%s, %s, %s)",
        "conform",
        json.dumps({"step": "later"}),
        datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc),
    ),
)

tell(
    "described",
    run(
        """insert into jobtable.job (type, payload, owner, title, properties, priority)
           values (%s, %s, %s, %s, %s, %s)""",
        "conform",
        json.dumps({"step": "described"}),
        "ada",
        "Described",
        json.dumps({"colour": "blue"}),
        -5,
    ),
)

keyed = """insert into jobtable.job (type, payload, key) values (%s, %s, %s)
    on conflict do nothing"""
key = ("conform", json.dumps({"step": "key"}), "only-once")
tell("key", [run(keyed, *key), run(keyed, *key)])

unicode = {
    "step": "unicode",
    "text": "Grüße, 世界 🐘 \"quoted\" \\back 'single'\n\t",
    "list": [1, 2.5, True, None],
}
tell("unicode", run(INSERT, "conform", json.dumps(unicode, ensure_ascii=False)))

connection.autocommit = False
tell("rollback", run(INSERT, "conform", json.dumps({"step": "rollback"})))
connection.rollback()
connection.autocommit = True

tell("unknown type", run("insert into jobtable.job (type) values (%s)", "confrom"))
tell("payload", run(INSERT, "conform", "[1, 2]"))
tell(
    "status",
    run("insert into jobtable.job (type, status) values (%s, %s)", "conform", "started"),
)
tell("id", run("insert into jobtable.job (type, id) values (%s, %s)", "conform", 4000000000000))

DELETE = "delete from jobtable.job where id = %s"
run(INSERT + " returning id", "conform", json.dumps({"step": "cancel"}))
tell("cancel", run(DELETE, cursor.fetchone()[0]))
tell("cancel started", run(DELETE, int(os.environ["STARTED_JOB"])))

run(INSERT + " returning id", "conform", json.dumps({"step": "steer"}))
tell(
    "steer",
    run(
        "update jobtable.job set paused = %s, priority = %s, title = %s where id = %s",
        True,
        7,
        "Steered",
        cursor.fetchone()[0],
    ),
)

names = ("status", "fraction", "result", "can_resubmit", "lines", "note")
run(
    f"""select {', '.join(names)} from jobtable.job_report r join conform_note n on n.job = r.id
        where r.id = %s""",
    int(os.environ["FINISHED_JOB"]),
)
tell("read", dict(zip(names, cursor.fetchone())))
