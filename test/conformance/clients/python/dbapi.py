"""What drivers of Python have in common: the interface of PEP 249."""

from steps import REPORT


class DbApi:
    """A connection that commits each statement."""

    # What stands for a value.
    place = "%s"

    def __init__(self, connection, json_adapter):
        self.connection = connection
        self.connection.autocommit = True
        self.cursor = connection.cursor()
        self.json_adapter = json_adapter

    def execute(self, statement, values):
        adapted = [
            self.json_adapter(value) if isinstance(value, (dict, list)) else value
            for value in values
        ]
        self.cursor.execute(statement, adapted)
        return self.cursor.rowcount

    def insert(self, *rows, rest=""):
        names = list(rows[0])
        places = "(" + ", ".join(self.place for _ in names) + ")"
        return self.execute(
            f"""insert into jobtable.job ({", ".join(names)})
                values {", ".join(places for _ in rows)} {rest}""",
            [row[name] for row in rows for name in names],
        )

    def insert_unless_held(self, row):
        return self.insert(row, rest="on conflict do nothing")

    def insert_and_roll_back(self, row):
        self.connection.autocommit = False
        count = self.insert(row)
        self.connection.rollback()
        self.connection.autocommit = True
        return count

    def insert_returning_id(self, row):
        self.insert(row, rest="returning id")
        return self.cursor.fetchone()[0]

    def update(self, job, values):
        changes = ", ".join(f"{name} = {self.place}" for name in values)
        return self.execute(
            f"update jobtable.job set {changes} where id = {self.place}", [*values.values(), job]
        )

    def delete(self, job):
        return self.execute(f"delete from jobtable.job where id = {self.place}", [job])

    def read(self, job):
        self.execute(
            f"""select {", ".join(REPORT)} from jobtable.job_report r
                join conform_note n on n.job = r.id where r.id = {self.place}""",
            [job],
        )
        return self.cursor.fetchone()
