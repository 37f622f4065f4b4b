// Real workers under load, struck by everything that goes wrong, and then a look at what is left.
import { randomInt } from 'node:crypto'
import { drain } from './drain.ts'
import { findViolations, type Violation } from './invariants.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load/clients.ts'
import { MIXED } from './load/jobs.ts'
import { interruption, readNumbers } from './options.ts'
import { describeOrigin, faultFigures, jobFigures, totals } from './report.ts'
import { openSite } from './site.ts'
import { Storm } from './storm.ts'
import { tellSlowest, tellViolations } from './story.ts'

const PROGRESS_MS = 10_000
const begun = performance.now()

function say(line: string): void {
  const seconds = Math.floor((performance.now() - begun) / 1_000)
  const minutes = String(Math.floor(seconds / 60)).padStart(2, '0')
  process.stderr.write(`${minutes}:${String(seconds % 60).padStart(2, '0')} ${line}\n`)
}

/** Answers whether all was well. */
async function run(signal: AbortSignal): Promise<boolean> {
  const { numbers, json } = readNumbers({
    minutes: 5,
    seed: randomInt(1_000_000),
    rate: 220,
    effective: -1,
  })
  const { minutes, seed, rate } = numbers
  const effective = numbers.effective < 0 ? Math.floor((minutes * 2) / 3) : numbers.effective

  await using site = await openSite()
  const { admin, observer, postgres, workers } = site
  const origin = describeOrigin(site.serverVersion)
  say(`seed ${seed}, ${minutes} minutes, commit ${origin.commit}`)
  say(`${origin.machine}, ${origin.versions}`)

  const ledger = new Ledger()
  await using load = new Load({
    url: postgres.url,
    seed,
    rate,
    kinds: MIXED,
    steering: true,
    ledger,
  })
  const storm = new Storm(site, seed, ({ fault, target, holding }) =>
    say(`  ${fault} (${target}): ${holding.jobs.length} jobs held`),
  )
  const progress = setInterval(() => {
    const completed = Math.round(observer.completedAt(performance.now()))
    say(`${ledger.inserted} inserted, ${completed} completed`)
  }, PROGRESS_MS).unref()
  load.start()
  await storm.rage(minutes * 60_000, signal)
  clearInterval(progress)
  await load.stop()
  await storm.calm()
  await drain(admin, signal, say)
  if (signal.aborted) return false

  await ledger.save(admin)
  await storm.save(admin)
  const violations: Violation[] = [
    ...(await findViolations(admin)),
    ...site.deaths.map((fact) => ({ invariant: 'workers stay up', job: null, fact })),
    ...load.faults.map((fact) => ({ invariant: 'clients meet no faults', job: null, fact })),
  ]
  await tellViolations(admin, violations, say)
  const faults = await faultFigures(admin, storm.strikes, observer)
  await tellSlowest(admin, faults, say)
  const figures = {
    seed,
    minutes,
    rate,
    ...origin,
    seconds: Math.round((performance.now() - begun) / 1_000),
    jobs: await jobFigures(admin),
    ...totals(faults),
    workerRestarts: workers.reduce((sum, { restarts }) => sum + restarts, 0),
    refusals: Object.fromEntries(load.refusals),
    unanswered: load.unanswered,
    faults,
    violations,
  }
  if (json) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`)
  else {
    console.table(faults)
    console.table(figures.jobs)
    console.log({ ...figures, jobs: undefined, faults: undefined, violations: violations.length })
  }

  const weak = Object.entries(faults).filter(([, each]) => each.effective < effective)
  for (const [name, each] of weak) {
    say(`TOO WEAK ${name}: ${each.effective} of ${each.strikes} strikes met jobs, not ${effective}`)
  }
  const well = violations.length === 0 && weak.length === 0
  if (well) await site.forgetLogs()
  else say(`the workers' logs: ${site.logDir}`)
  return well
}

if (!(await run(interruption()))) process.exitCode = 1
