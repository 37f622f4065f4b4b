# The steps of every client, in Perl with DBI and DBD::Pg.
use strict;
use warnings;
use utf8;
use DBI;
use JSON::PP;

binmode STDOUT, ':encoding(UTF-8)';

my $json = JSON::PP->new->canonical->allow_nonref;
my $db = DBI->connect('dbi:Pg:', undef, undef,
    { AutoCommit => 1, RaiseError => 0, PrintError => 0 });

sub tell_step {
    my ($step, $answer) = @_;
    print $json->encode({ step => $step, answer => $answer }), "\n";
}

# Executes a statement; answers the number of its rows, or the SQLSTATE of its refusal.
sub run {
    my ($statement, @values) = @_;
    my $rows = $db->do($statement, undef, @values);
    return defined $rows ? $rows + 0 : $db->state;
}

sub insert_job {
    my ($type, $payload) = @_;
    my ($id) = $db->selectrow_array(
        'insert into jobtable.job (type, payload) values (?, ?) returning id',
        undef, $type, encode_json($payload),
    );
    return $id;
}

my $insert = 'insert into jobtable.job (type, payload) values (?, ?)';

tell_step('plain', run($insert, 'conform', $json->encode({ step => 'plain' })));

tell_step('multi-row', run("$insert, (?, ?), (?, ?)",
    map { ('conform', $json->encode({ step => 'multi-row', n => $_ })) } 1 .. 3));

my @columns = qw(id status payload owner title properties priority run_at paused max_attempts
    timeout cpus memory_mb key template parent cancel_requested);
tell_step('nulls', run(
    'insert into jobtable.job (type, ' . join(', ', @columns) . ') values (?'
        . ', ?' x @columns . ')',
    'conform', map { undef } @columns));

tell_step('later', run(
    'insert into jobtable.job (type, payload, run_at) values (?, ?, ?)',
    'conform', $json->encode({ step => 'later' }), '2030-01-01T00:00:00Z'));

tell_step('described', run(
    'insert into jobtable.job (type, payload, owner, title, properties, priority)
     values (?, ?, ?, ?, ?, ?)',
    'conform', $json->encode({ step => 'described' }), 'ada', 'Described',
    $json->encode({ colour => 'blue' }), -5));

my $keyed = 'insert into jobtable.job (type, payload, key) values (?, ?, ?) on conflict do nothing';
my @key = ('conform', $json->encode({ step => 'key' }), 'only-once');
tell_step('key', [run($keyed, @key), run($keyed, @key)]);

tell_step('unicode', run($insert, 'conform', $json->encode({
    step => 'unicode',
    text => "Grüße, 世界 🐘 \"quoted\" \\back 'single'\n\t",
    list => [1, 2.5, JSON::PP::true, undef],
})));

$db->begin_work;
tell_step('rollback', run($insert, 'conform', $json->encode({ step => 'rollback' })));
$db->rollback;

tell_step('unknown type', run('insert into jobtable.job (type) values (?)', 'confrom'));
tell_step('payload', run($insert, 'conform', '[1, 2]'));
tell_step('status',
    run('insert into jobtable.job (type, status) values (?, ?)', 'conform', 'started'));
tell_step('id',
    run('insert into jobtable.job (type, id) values (?, ?)', 'conform', 4000000000000));

my $delete = 'delete from jobtable.job where id = ?';
tell_step('cancel', run($delete, insert_job('conform', { step => 'cancel' })));
tell_step('cancel started', run($delete, $ENV{STARTED_JOB}));

tell_step('steer', run(
    'update jobtable.job set paused = ?, priority = ?, title = ? where id = ?',
    'true', 7, 'Steered', insert_job('conform', { step => 'steer' })));

my $row = $db->selectrow_hashref(
    'select status, fraction, result, can_resubmit, lines, note
     from jobtable.job_report r join conform_note n on n.job = r.id where r.id = ?',
    undef, $ENV{FINISHED_JOB});
tell_step('read', {
    status => $row->{status},
    fraction => $row->{fraction} + 0,
    result => $json->decode($row->{result}),
    can_resubmit => $row->{can_resubmit} ? JSON::PP::true : JSON::PP::false,
    lines => $row->{lines} + 0,
    note => $row->{note},
});
