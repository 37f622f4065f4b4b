import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  EXECUTORS,
  endCommandsAfterEach,
  type RunningCli,
  runCli,
  startCli,
} from '../../support/cli.ts'
import { useDatabase } from '../../support/database.ts'
import { addTypes } from '../../support/job.ts'

const database = useDatabase()
endCommandsAfterEach()

const env = (): Record<string, string> => ({ DATABASE_URL: database().url })

let worker: RunningCli

beforeEach(async () => {
  worker = startCli(['worker', '--executors', EXECUTORS, '--grace', '0'], { env: env() })
  await worker.line('worker started')
})

afterEach(async () => {
  worker.child.kill('SIGTERM')
  await worker.ended
})

const submit = (...args: string[]): RunningCli => startCli(['submit', ...args], { env: env() })

/** The id that `submit --wait` tells on standard error. */
async function idOf(waiting: RunningCli): Promise<string> {
  return /job (\d+) submitted/.exec(await waiting.line('submitted'))?.[1] ?? ''
}

test('--wait prints the result alone on standard output', async () => {
  const { code, stdout, stderr } = await submit('echo', 'n:=1', '--wait').ended
  expect({ code, stdout }).toEqual({ code: 0, stdout: '{"n":1}\n' })
  expect(stderr).toMatch(/^job \d+ submitted\n/)
  expect(stderr).toMatch(/job \d+ {2}100 % {2}echo\n$/)
})

test('--wait --json prints the finished job', async () => {
  const { stdout } = await submit('echo', '--wait', '--json').ended
  expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', result: {}, attempt: 1 })
})

test('a failed job: exit code 1, with the error', async () => {
  const { code, stdout, stderr } = await submit('fail', 'message=bad luck', '--wait').ended
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/jobtable: job \d+ failed: RangeError: bad luck\n {2}hint: /)
  expect(stderr).toContain('code: job_failed')
})

test('progress is told as it changes, and a cancelled job is exit code 1', async () => {
  const waiting = submit('hang', '--wait')
  await waiting.line('50 %  hanging')
  const id = await idOf(waiting)
  await runCli(['cancel', id, '--reason', 'took too long'], { env: env() })
  const { code, stderr } = await waiting.ended
  expect(stderr).toContain('was cancelled')
  expect(code).toBe(1)
  expect(
    await database().query('select reason from jobtable.job_cancel where job = $1', [id]),
  ).toEqual([{ reason: 'took too long' }])
})

test('the time over: exit code 124, and the job goes on', async () => {
  const waiting = submit('hang', '--wait', '--timeout', '0.3')
  const { code, stderr } = await waiting.ended
  expect(stderr).toContain('was not finished after 0.3 s')
  expect(code).toBe(124)
  await runCli(['cancel', await idOf(waiting)], { env: env() })
})

test('a job deleted meanwhile: exit code 1', async () => {
  const waiting = submit('echo', '--paused', '--wait')
  await runCli(['cancel', await idOf(waiting)], { env: env() })
  const { code, stderr } = await waiting.ended
  expect(stderr).toContain('was deleted')
  expect(code).toBe(1)
})

test('a job that nobody runs is told', async () => {
  await addTypes(database(), 'lonely')
  const waiting = submit('lonely', '--wait')
  await waiting.line('no live worker runs jobs of type "lonely"')
  await runCli(['cancel', await idOf(waiting)], { env: env() })
  expect((await waiting.ended).code).toBe(1)
})

test('waiting survives the loss of its connection', async () => {
  const waiting = submit('hang', '--wait')
  await waiting.line('50 %  hanging')
  await database().query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'jobtable:submit'`)
  await runCli(['cancel', await idOf(waiting)], { env: env() })
  expect((await waiting.ended).stderr).toContain('was cancelled')
})

test('--follow and logs --follow print log lines as they come, to the end', async () => {
  const following = submit('hang', '--follow')
  expect(await following.line('info  hanging')).toMatch(/^\d{4}-\d\d-\d\d /)
  const id = await idOf(following)
  const logs = startCli(['logs', id, '--follow', '--json'], { env: env() })
  expect(JSON.parse(await logs.line('hanging'))).toMatchObject({ level: 'info', attempt: 1 })
  await runCli(['cancel', id], { env: env() })
  expect((await following.ended).code).toBe(1)
  expect((await logs.ended).code).toBe(0)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the waiting, not the job', async (signal) => {
  const waiting = submit('hang', '--wait')
  await waiting.line('50 %  hanging')
  waiting.child.kill(signal)
  // A shell tells it as 130 or 143.
  expect(await waiting.ended).toMatchObject({ code: null, signal })
  const id = await idOf(waiting)
  const { stderr } = await runCli(['cancel', id], { env: env() })
  expect(stderr).toBe(`job ${id} has started and is asked to stop\n`)
})
