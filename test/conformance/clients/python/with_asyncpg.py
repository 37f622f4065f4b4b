"""The steps of every client, with asyncpg."""

import asyncio
import json

import asyncpg

from steps import REPORT, take_steps


class Asyncpg:
    """Waits for each call, since the steps do."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.connection = self.loop.run_until_complete(self.connect())

    async def connect(self):
        connection = await asyncpg.connect()
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )
        return connection

    def wait(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def execute(self, statement, values):
        tag = self.wait(self.connection.execute(statement, *values))
        return int(tag.split()[-1])

    def insert(self, *rows, rest=""):
        names = list(rows[0])
        places = [
            "(" + ", ".join(f"${n * len(names) + m + 1}" for m in range(len(names))) + ")"
            for n in range(len(rows))
        ]
        return self.execute(
            f"""insert into jobtable.job ({", ".join(names)}) values {", ".join(places)} {rest}""",
            [row[name] for row in rows for name in names],
        )

    def insert_unless_held(self, row):
        return self.insert(row, rest="on conflict do nothing")

    def insert_and_roll_back(self, row):
        transaction = self.connection.transaction()
        self.wait(transaction.start())
        count = self.insert(row)
        self.wait(transaction.rollback())
        return count

    def insert_returning_id(self, row):
        return self.wait(self.insert_job(row))

    async def insert_job(self, row):
        connection = self.connection
        job = await connection.fetchval(
            "insert into jobtable.job (type, payload) values ($1, $2) returning id",
            row["type"],
            row["payload"],
        )
        return job

    def update(self, job, values):
        changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 2))
        return self.execute(
            f"update jobtable.job set {changes} where id = $1", [job, *values.values()]
        )

    def delete(self, job):
        return self.execute("delete from jobtable.job where id = $1", [job])

    def read(self, job):
        return self.wait(
            self.connection.fetchrow(
                f"""select {", ".join(REPORT)} from jobtable.job_report r
                    join conform_note n on n.job = r.id where r.id = $1""",
                job,
            )
        )

    def sqlstate(self, error):
        return error.sqlstate if isinstance(error, asyncpg.PostgresError) else None


take_steps(Asyncpg())
