"""The steps of every client, for libraries of Python: each is told here once, done by the library."""

import datetime
import json
import os

TYPE = "conform"

NULLS = """id status payload owner title properties priority run_at paused max_attempts timeout
    cpus memory_mb key template parent cancel_requested""".split()

REPORT = ("status", "fraction", "result", "can_resubmit", "lines", "note")


def tell(step, answer):
    print(json.dumps({"step": step, "answer": answer}))


def take_steps(library):
    """Does each step with a library and tells its answer.

    The library has these methods:
    insert(*rows), update(job, values), delete(job): answer how many rows they met;
    insert_unless_held(row), insert_and_roll_back(row): likewise;
    insert_returning_id(row): the number of the job;
    read(job): the columns REPORT of the job's report and of its row in conform_note;
    sqlstate(error): the SQLSTATE of an error of the library, None of any other.
    """

    def row(step, **others):
        return {"type": TYPE, "payload": {"step": step, **others}}

    def or_sqlstate(action, *arguments):
        try:
            return action(*arguments)
        except Exception as error:
            state = library.sqlstate(error)
            if state is None:
                raise
            return state

    tell("plain", library.insert(row("plain")))
    tell("multi-row", library.insert(*[row("multi-row", n=n) for n in (1, 2, 3)]))
    tell("nulls", library.insert({"type": TYPE, **{name: None for name in NULLS}}))
    later = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    tell("later", library.insert({**row("later"), "run_at": later}))
    described = {
        "owner": "ada",
        "title": "Described",
        "properties": {"colour": "blue"},
        "priority": -5,
    }
    tell("described", library.insert({**row("described"), **described}))

    keyed = {**row("key"), "key": "only-once"}
    tell("key", [library.insert_unless_held(keyed), library.insert_unless_held(keyed)])

    text = "Grüße, 世界 🐘 \"quoted\" \\back 'single'\n\t"
    tell("unicode", library.insert(row("unicode", text=text, list=[1, 2.5, True, None])))
    tell("rollback", library.insert_and_roll_back(row("rollback")))

    tell("unknown type", or_sqlstate(library.insert, {"type": "confrom"}))
    tell("payload", or_sqlstate(library.insert, {"type": TYPE, "payload": [1, 2]}))
    tell("status", or_sqlstate(library.insert, {"type": TYPE, "status": "started"}))
    tell("id", or_sqlstate(library.insert, {"type": TYPE, "id": 4000000000000}))

    tell("cancel", library.delete(library.insert_returning_id(row("cancel"))))
    tell("cancel started", or_sqlstate(library.delete, int(os.environ["STARTED_JOB"])))

    steered = library.insert_returning_id(row("steer"))
    tell("steer", library.update(steered, {"paused": True, "priority": 7, "title": "Steered"}))
    tell("read", dict(zip(REPORT, library.read(int(os.environ["FINISHED_JOB"])))))
