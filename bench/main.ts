// Runs one scenario: see README.md.
import { rm } from 'node:fs/promises'
import { type Bench, tell } from './lib/bench.ts'
import { contendersOf, describeCheckout, isMeant, REPOSITORY } from './lib/contender.ts'
import { createDataDir } from './lib/data-dir.ts'
import { parseOptions } from './lib/options.ts'
import { startPostgres } from './lib/postgres.ts'
import { type RedisServer, startRedis } from './lib/redis.ts'
import { appendResult, describeResult } from './lib/results.ts'
import { measureRounds, reasonOf } from './lib/rounds.ts'
import { printed, tableOf } from './lib/table.ts'
import { SCENARIOS } from './scenarios/index.ts'

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), SCENARIOS)
  const scenario = SCENARIOS.find(({ name }) => name === options.scenario)
  if (scenario === undefined) return
  const dirs = options.checkouts.length === 0 ? [REPOSITORY] : options.checkouts
  const checkouts = dirs.map(describeCheckout)
  const names = options.only.length === 0 ? scenario.contenders : options.only
  const contenders = (await contendersOf(checkouts)).filter((contender) =>
    names.some((name) => isMeant(contender, name)),
  )
  if (contenders.length === 0) throw new Error(`--only names nobody: ${names.join(', ')}`)

  await using stack = new AsyncDisposableStack()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(130)))
  }
  const dir = await createDataDir()
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const postgres = stack.use(await startPostgres(dir, scenario.postgres ?? {}))
  let redis: Promise<RedisServer> | undefined
  const bench: Bench = {
    options,
    checkouts,
    contenders,
    postgres,
    dir,
    redis: () => {
      redis ??= startRedis(dir).then((server) => stack.use(server))
      return redis
    },
  }
  tell(`${scenario.name}: ${scenario.purpose}`)
  tell(`PostgreSQL ${postgres.version}, ${contenders.map(({ label }) => label).join(', ')}`)
  const result = await describeResult(bench, scenario, await measureRounds(bench, scenario))
  tell(`kept in ${await appendResult(result)}`)
  const text = options.json ? JSON.stringify(result) : printed(tableOf(result))
  process.stdout.write(`${text}\n`)
  for (const fault of result.faults) tell(fault)
  if (result.faults.length > 0) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  tell(reasonOf(error))
  process.exitCode = 1
}
