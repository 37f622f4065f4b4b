"""The steps of every client, with psycopg2."""

import psycopg2
from psycopg2.extras import Json

from dbapi import DbApi
from steps import take_steps


class Psycopg2(DbApi):
    def insert_returning_id(self, row):
        cursor = self.cursor
        cursor.execute(
            "insert into jobtable.job (type, payload) values (%s, %s) returning id",
            (row["type"], Json(row["payload"])),
        )
        (job,) = cursor.fetchone()
        return job

    def sqlstate(self, error):
        return error.pgcode if isinstance(error, psycopg2.Error) else None


take_steps(Psycopg2(psycopg2.connect(""), Json))
