"""The steps of every client, with SQLAlchemy, whose tables are read from the database."""

from sqlalchemy import MetaData, Table, create_engine, delete, insert, null, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from steps import REPORT, take_steps

engine = create_engine("postgresql+psycopg2://")
metadata = MetaData()
job_table = Table("job", metadata, schema="jobtable", autoload_with=engine)
report_view = Table("job_report", metadata, schema="jobtable", autoload_with=engine)
conform_note = Table("conform_note", metadata, autoload_with=engine)


class SqlAlchemy:
    def execute(self, statement):
        with engine.begin() as connection:
            return connection.execute(statement).rowcount

    def insert(self, *rows):
        # None in a column of JSON would be JSON's null.
        values = [
            {name: null() if value is None else value for name, value in row.items()}
            for row in rows
        ]
        return self.execute(insert(job_table).values(values))

    def insert_unless_held(self, row):
        statement = postgresql.insert(job_table).values(row)
        return self.execute(statement.on_conflict_do_nothing())

    def insert_and_roll_back(self, row):
        with engine.connect() as connection, connection.begin() as transaction:
            count = connection.execute(insert(job_table).values(row)).rowcount
            transaction.rollback()
            return count

    def insert_returning_id(self, row):
        with engine.begin() as connection:
            statement = insert(job_table).values(row).returning(job_table.c.id)
            job = connection.execute(statement).scalar_one()
        return job

    def update(self, job, values):
        return self.execute(update(job_table).where(job_table.c.id == job).values(values))

    def delete(self, job):
        return self.execute(delete(job_table).where(job_table.c.id == job))

    def read(self, job):
        columns = [
            conform_note.c[name] if name in conform_note.c else report_view.c[name]
            for name in REPORT
        ]
        statement = (
            select(*columns)
            .join_from(report_view, conform_note, conform_note.c.job == report_view.c.id)
            .where(report_view.c.id == job)
        )
        with engine.connect() as connection:
            return connection.execute(statement).one()

    def sqlstate(self, error):
        return error.orig.pgcode if isinstance(error, DBAPIError) else None


take_steps(SqlAlchemy())
