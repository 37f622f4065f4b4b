# The steps of every client, in Ruby with pg.
require 'json'
require 'pg'

DB = PG.connect

def tell(step, answer)
  puts JSON.generate(step: step, answer: answer)
end

# Executes a statement; answers the number of its rows, or the SQLSTATE of its refusal.
def run(statement, *values)
  DB.exec_params(statement, values).cmd_tuples
rescue PG::Error => e
  e.result.error_field(PG::Result::PG_DIAG_SQLSTATE)
end

INSERT = 'insert into jobtable.job (type, payload) values ($1, $2)'.freeze

def insert_job(type, payload)
  connection = DB
  job = connection.exec_params(
    'insert into jobtable.job (type, payload) values ($1, $2) returning id',
    [type, payload.to_json]
  ).getvalue(0, 0)
  job
end

tell 'plain', run(INSERT, 'conform', JSON.generate(step: 'plain'))

rows = [1, 2, 3].flat_map { |n| ['conform', JSON.generate(step: 'multi-row', n: n)] }
tell 'multi-row', run("#{INSERT}, ($3, $4), ($5, $6)", *rows)

columns = %w[id status payload owner title properties priority run_at paused max_attempts timeout
             cpus memory_mb key template parent cancel_requested]
places = columns.each_index.map { |index| "$#{index + 2}" }
tell 'nulls', run(
  "insert into jobtable.job (type, #{columns.join(', ')}) values ($1, #{places.join(', ')})",
  'conform', *columns.map { nil }
)

tell 'later', run(
  'insert into jobtable.job (type, payload, run_at) values ($1, $2, $3)',
  'conform', JSON.generate(step: 'later'), Time.utc(2030, 1, 1).to_s
)

tell 'described', run(
  'insert into jobtable.job (type, payload, owner, title, properties, priority)
   values ($1, $2, $3, $4, $5, $6)',
  'conform', JSON.generate(step: 'described'), 'ada', 'Described', JSON.generate(colour: 'blue'), -5
)

keyed = 'insert into jobtable.job (type, payload, key) values ($1, $2, $3) on conflict do nothing'
key = ['conform', JSON.generate(step: 'key'), 'only-once']
tell 'key', [run(keyed, *key), run(keyed, *key)]

tell 'unicode', run(INSERT, 'conform', JSON.generate(
  step: 'unicode',
  text: "Grüße, 世界 🐘 \"quoted\" \\back 'single'\n\t",
  list: [1, 2.5, true, nil]
))

DB.exec('begin')
tell 'rollback', run(INSERT, 'conform', JSON.generate(step: 'rollback'))
DB.exec('rollback')

tell 'unknown type', run('insert into jobtable.job (type) values ($1)', 'confrom')
tell 'payload', run(INSERT, 'conform', '[1, 2]')
tell 'status', run('insert into jobtable.job (type, status) values ($1, $2)', 'conform', 'started')
tell 'id', run('insert into jobtable.job (type, id) values ($1, $2)', 'conform', 4_000_000_000_000)

DELETE = 'delete from jobtable.job where id = $1'.freeze
tell 'cancel', run(DELETE, insert_job('conform', { step: 'cancel' }))
tell 'cancel started', run(DELETE, ENV.fetch('STARTED_JOB'))

tell 'steer', run(
  'update jobtable.job set paused = $1, priority = $2, title = $3 where id = $4',
  true, 7, 'Steered', insert_job('conform', { step: 'steer' })
)

row = DB.exec_params(
  'select status, fraction, result, can_resubmit, lines, note
   from jobtable.job_report r join conform_note n on n.job = r.id where r.id = $1',
  [ENV.fetch('FINISHED_JOB')]
)[0]
tell 'read', {
  status: row['status'],
  fraction: row['fraction'].to_f,
  result: JSON.parse(row['result']),
  can_resubmit: row['can_resubmit'] == 't',
  lines: row['lines'].to_i,
  note: row['note']
}
