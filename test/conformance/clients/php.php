<?php
// The steps of every client, in PHP with PDO.
declare(strict_types=1);

$db = new PDO(
    sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE')),
    getenv('PGUSER'),
    getenv('PGPASSWORD'),
    [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION],
);

function tell(string $step, mixed $answer): void
{
    echo json_encode(['step' => $step, 'answer' => $answer], JSON_UNESCAPED_UNICODE), "\n";
}

function execute(string $statement, array $values): PDOStatement
{
    global $db;
    $prepared = $db->prepare($statement);
    $prepared->execute($values);
    return $prepared;
}

/** Executes a statement; answers the number of its rows, or the SQLSTATE of its refusal. */
function run(string $statement, mixed ...$values): int|string
{
    try {
        return execute($statement, $values)->rowCount();
    } catch (PDOException $error) {
        return $error->getCode();
    }
}

function insertJob(string $type, array $payload): int
{
    global $db;
    $insert = $db->prepare('insert into jobtable.job (type, payload) values (?, ?) returning id');
    $insert->execute([$type, json_encode($payload)]);
    $job = $insert->fetchColumn();
    return $job;
}

$insert = 'insert into jobtable.job (type, payload) values (?, ?)';

tell('plain', run($insert, 'conform', json_encode(['step' => 'plain'])));

$rows = [];
foreach ([1, 2, 3] as $n) {
    array_push($rows, 'conform', json_encode(['step' => 'multi-row', 'n' => $n]));
}
tell('multi-row', run("$insert, (?, ?), (?, ?)", ...$rows));

$columns = ['id', 'status', 'payload', 'owner', 'title', 'properties', 'priority', 'run_at', 'paused',
    'max_attempts', 'timeout', 'cpus', 'memory_mb', 'key', 'template', 'parent', 'cancel_requested'];
tell('nulls', run(
    'insert into jobtable.job (type, ' . implode(', ', $columns) . ') values (?'
        . str_repeat(', ?', count($columns)) . ')',
    'conform',
    ...array_fill(0, count($columns), null),
));

tell('later', run(
    'insert into jobtable.job (type, payload, run_at) values (?, ?, ?)',
    'conform',
    json_encode(['step' => 'later']),
    (new DateTimeImmutable('2030-01-01', new DateTimeZone('UTC')))->format(DATE_ATOM),
));

tell('described', run(
    'insert into jobtable.job (type, payload, owner, title, properties, priority)
     values (?, ?, ?, ?, ?, ?)',
    'conform',
    json_encode(['step' => 'described']),
    'ada',
    'Described',
    json_encode(['colour' => 'blue']),
    -5,
));

$keyed = 'insert into jobtable.job (type, payload, key) values (?, ?, ?) on conflict do nothing';
$key = ['conform', json_encode(['step' => 'key']), 'only-once'];
tell('key', [run($keyed, ...$key), run($keyed, ...$key)]);

tell('unicode', run($insert, 'conform', json_encode([
    'step' => 'unicode',
    'text' => "Grüße, 世界 🐘 \"quoted\" \\back 'single'\n\t",
    'list' => [1, 2.5, true, null],
])));

$db->beginTransaction();
tell('rollback', run($insert, 'conform', json_encode(['step' => 'rollback'])));
$db->rollBack();

tell('unknown type', run('insert into jobtable.job (type) values (?)', 'confrom'));
tell('payload', run($insert, 'conform', '[1, 2]'));
tell('status', run('insert into jobtable.job (type, status) values (?, ?)', 'conform', 'started'));
tell('id', run('insert into jobtable.job (type, id) values (?, ?)', 'conform', 4000000000000));

$delete = 'delete from jobtable.job where id = ?';
tell('cancel', run($delete, insertJob('conform', ['step' => 'cancel'])));
tell('cancel started', run($delete, getenv('STARTED_JOB')));

tell('steer', run(
    'update jobtable.job set paused = ?, priority = ?, title = ? where id = ?',
    'true',
    7,
    'Steered',
    insertJob('conform', ['step' => 'steer']),
));

$row = execute(
    'select status, fraction, result, can_resubmit, lines, note
     from jobtable.job_report r join conform_note n on n.job = r.id where r.id = ?',
    [getenv('FINISHED_JOB')],
)->fetch(PDO::FETCH_ASSOC);
tell('read', [
    'status' => $row['status'],
    'fraction' => (float) $row['fraction'],
    'result' => json_decode($row['result']),
    'can_resubmit' => $row['can_resubmit'],
    'lines' => $row['lines'],
    'note' => $row['note'],
]);
