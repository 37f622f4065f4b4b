// The steps of every client, in Java with JDBC.

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.OffsetDateTime;

class Jdbc {
  static final String INSERT = "insert into jobtable.job (type, payload) values (?, ?::jsonb)";
  static final String[] COLUMNS = {
    "id", "status", "payload", "owner", "title", "properties", "priority", "run_at", "paused",
    "max_attempts", "timeout", "cpus", "memory_mb", "key", "template", "parent", "cancel_requested"
  };
  static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  static Connection db;

  /** Tells an answer that is JSON already, or a number. */
  static void tell(String step, Object answer) {
    OUT.println("{\"step\": \"" + step + "\", \"answer\": " + answer + "}");
  }

  static PreparedStatement prepare(String statement, Object... values) throws SQLException {
    PreparedStatement prepared = db.prepareStatement(statement);
    for (int n = 0; n < values.length; n++) {
      if (values[n] == null) prepared.setNull(n + 1, Types.NULL);
      else prepared.setObject(n + 1, values[n]);
    }
    return prepared;
  }

  /** Executes a statement; answers the number of its rows, or the SQLSTATE of its refusal. */
  static Object run(String statement, Object... values) {
    try {
      return prepare(statement, values).executeUpdate();
    } catch (SQLException error) {
      return "\"" + error.getSQLState() + "\"";
    }
  }

  static long insertJob(String type, String payload) throws SQLException {
    try (PreparedStatement insert =
        db.prepareStatement(
            "insert into jobtable.job (type, payload) values (?, ?::jsonb) returning id")) {
      insert.setString(1, type);
      insert.setString(2, payload);
      ResultSet rows = insert.executeQuery();
      rows.next();
      long job = rows.getLong("id");
      return job;
    }
  }

  public static void main(String[] arguments) throws SQLException {
    String url =
        String.format(
            "jdbc:postgresql://%s:%s/%s",
            System.getenv("PGHOST"), System.getenv("PGPORT"), System.getenv("PGDATABASE"));
    db = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"));

    tell("plain", run(INSERT, "conform", "{\"step\": \"plain\"}"));
    tell(
        "multi-row",
        run(
            INSERT + ", (?, ?::jsonb), (?, ?::jsonb)",
            "conform", "{\"step\": \"multi-row\", \"n\": 1}",
            "conform", "{\"step\": \"multi-row\", \"n\": 2}",
            "conform", "{\"step\": \"multi-row\", \"n\": 3}"));

    Object[] values = new Object[COLUMNS.length + 1];
    values[0] = "conform";
    tell(
        "nulls",
        run(
            "insert into jobtable.job (type, " + String.join(", ", COLUMNS) + ") values (?"
                + ", ?".repeat(COLUMNS.length) + ")",
            values));

    tell(
        "later",
        run(
            "insert into jobtable.job (type, payload, run_at) values (?, ?::jsonb, ?)",
            "conform", "{\"step\": \"later\"}", OffsetDateTime.parse("2030-01-01T00:00:00Z")));
    tell(
        "described",
        run(
            "insert into jobtable.job (type, payload, owner, title, properties, priority)"
                + " values (?, ?::jsonb, ?, ?, ?::jsonb, ?)",
            "conform", "{\"step\": \"described\"}", "ada", "Described", "{\"colour\": \"blue\"}",
            -5));

    String keyed =
        "insert into jobtable.job (type, payload, key) values (?, ?::jsonb, ?)"
            + " on conflict do nothing";
    Object[] key = {"conform", "{\"step\": \"key\"}", "only-once"};
    tell("key", "[" + run(keyed, key) + ", " + run(keyed, key) + "]");

    tell(
        "unicode",
        run(
            INSERT,
            "conform",
            "{\"step\": \"unicode\", \"list\": [1, 2.5, true, null],"
                + " \"text\": \"Grüße, 世界 🐘 \\\"quoted\\\" \\\\back 'single'\\n\\t\"}"));

    db.setAutoCommit(false);
    tell("rollback", run(INSERT, "conform", "{\"step\": \"rollback\"}"));
    db.rollback();
    db.setAutoCommit(true);

    tell("unknown type", run("insert into jobtable.job (type) values (?)", "confrom"));
    tell("payload", run(INSERT, "conform", "[1, 2]"));
    tell(
        "status",
        run(
            "insert into jobtable.job (type, status) values (?, ?::jobtable.job_status)",
            "conform", "started"));
    tell("id", run("insert into jobtable.job (type, id) values (?, ?)", "conform", 4000000000000L));

    String delete = "delete from jobtable.job where id = ?";
    tell("cancel", run(delete, insertJob("conform", "{\"step\": \"cancel\"}")));
    tell("cancel started", run(delete, Long.valueOf(System.getenv("STARTED_JOB"))));

    long steered = insertJob("conform", "{\"step\": \"steer\"}");
    tell(
        "steer",
        run(
            "update jobtable.job set paused = ?, priority = ?, title = ? where id = ?",
            true, 7, "Steered", steered));

    ResultSet row =
        prepare(
                "select status, fraction, result, can_resubmit, lines, note"
                    + " from jobtable.job_report r join conform_note n on n.job = r.id"
                    + " where r.id = ?",
                Long.valueOf(System.getenv("FINISHED_JOB")))
            .executeQuery();
    row.next();
    tell(
        "read",
        String.format(
            "{\"status\": \"%s\", \"fraction\": %s, \"result\": %s, \"can_resubmit\": %s,"
                + " \"lines\": %d, \"note\": \"%s\"}",
            row.getString("status"),
            row.getDouble("fraction"),
            row.getString("result"),
            row.getBoolean("can_resubmit"),
            row.getInt("lines"),
            row.getString("note")));
    db.close();
  }
}
