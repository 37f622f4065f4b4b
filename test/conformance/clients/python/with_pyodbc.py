"""The steps of every client, with ODBC by pyodbc."""

import json
import os

import pyodbc

from dbapi import DbApi
from steps import take_steps


class PyOdbc(DbApi):
    place = "?"

    def insert_returning_id(self, row):
        cursor = self.cursor
        cursor.execute(
            "insert into jobtable.job (type, payload) values (?, ?) returning id",
            (row["type"], json.dumps(row["payload"])),
        )
        (job,) = cursor.fetchone()
        return job

    def read(self, job):
        # JSON and booleans are text to the driver.
        status, fraction, result, can_resubmit, lines, note = super().read(job)
        return status, fraction, json.loads(result), can_resubmit == "1", lines, note

    def sqlstate(self, error):
        return error.args[0] if isinstance(error, pyodbc.Error) else None


connection = pyodbc.connect(
    driver="PostgreSQL Unicode",
    server=os.environ["PGHOST"],
    port=os.environ["PGPORT"],
    database=os.environ["PGDATABASE"],
    uid=os.environ["PGUSER"],
    pwd=os.environ["PGPASSWORD"],
)
take_steps(PyOdbc(connection, json.dumps))
