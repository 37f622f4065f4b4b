"""The steps of every client, with psycopg 3."""

import psycopg
from psycopg.types.json import Jsonb

from dbapi import DbApi
from steps import take_steps


class Psycopg(DbApi):
    def insert_returning_id(self, row):
        connection = self.connection
        (job,) = connection.execute(
            "insert into jobtable.job (type, payload) values (%s, %s) returning id",
            (row["type"], Jsonb(row["payload"])),
        ).fetchone()
        return job

    def sqlstate(self, error):
        return error.sqlstate if isinstance(error, psycopg.Error) else None


take_steps(Psycopg(psycopg.connect(), Jsonb))
