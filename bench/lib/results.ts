import { readFileSync } from 'node:fs'
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Settings } from '../systems/system.ts'
import type { Bench, Options } from './bench.ts'
import { treeName } from './contender.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { Rounds, Run } from './rounds.ts'
import type { Scenario } from './scenario.ts'

const DIRECTORY = join(import.meta.dirname, '..', 'results')
const PEERS = ['graphile-worker', 'pg-boss', 'bullmq', 'pg'] as const

/** Everything that one invocation has found, and what it was found with: one line of a file. */
export interface Result {
  readonly scenario: string
  readonly purpose: string
  readonly date: string
  /** The arguments of the command line, without those that name folders of this machine. */
  readonly command: string
  readonly quick: boolean
  readonly long: boolean
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly postgres: Readonly<Record<string, string>>
  readonly redis: Readonly<Record<string, string>> | undefined
  readonly checkouts: readonly { readonly commit: string; readonly dirty: boolean }[]
  readonly contenders: readonly {
    readonly label: string
    readonly settings: Settings
    readonly source: string
  }[]
  readonly runs: readonly Run[]
  readonly faults: readonly string[]
}

export async function describeResult(
  bench: Bench,
  scenario: Scenario,
  rounds: Rounds,
): Promise<Result> {
  const usesRedis = bench.contenders.some(({ system }) => system.server === 'redis')
  const redis = usesRedis ? await bench.redis() : undefined
  return {
    scenario: scenario.name,
    purpose: scenario.purpose,
    date: new Date().toISOString(),
    command: commandOf(bench.options),
    quick: bench.options.quick,
    long: bench.options.long,
    machine: describeMachine(bench.postgres.dataDir),
    versions: {
      node: process.versions.node,
      PostgreSQL: bench.postgres.version,
      ...(redis === undefined ? {} : { Redis: redis.version }),
      ...Object.fromEntries(PEERS.map((name) => [name, versionOf(name)])),
    },
    postgres: bench.postgres.settings,
    redis: redis?.settings,
    checkouts: bench.checkouts.map(({ commit, dirty }) => ({ commit, dirty })),
    contenders: bench.contenders.map(({ label, variant }) => ({
      label,
      settings: variant.settings,
      source: variant.source,
    })),
    ...rounds,
  }
}

/** Adds a line to the scenario's file. */
export async function appendResult(result: Result): Promise<string> {
  await mkdir(DIRECTORY, { recursive: true })
  const path = join(DIRECTORY, `${result.scenario}.jsonl`)
  await appendFile(path, `${JSON.stringify(result)}\n`)
  return path
}

function commandOf({ scenario, quick, long, only, cells, rounds }: Options): string {
  return [
    scenario,
    ...(quick ? ['--quick'] : []),
    ...(long ? ['--long'] : []),
    ...(only.length === 0 ? [] : ['--only', only.join(',')]),
    ...(cells === '' ? [] : ['--cells', JSON.stringify(cells)]),
    ...(rounds === undefined ? [] : ['--rounds', String(rounds)]),
  ].join(' ')
}

/** The lines of a scenario's file, oldest first, that compare no trees and are not of quick runs. */
export async function resultsOf(scenario: string, quick: boolean): Promise<readonly Result[]> {
  const text = await readFile(join(DIRECTORY, `${scenario}.jsonl`), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => z.custom<Result>().parse(JSON.parse(line)))
    .filter((result) => (quick || !result.quick) && result.checkouts.length === 1)
}

/** How many rounds a run had. */
export function roundsOf({ runs }: Result): number {
  return Math.max(...runs.map(({ round }) => round))
}

/** The trees that a run has measured. */
export function treesOf({ checkouts }: Result): string {
  return checkouts.map(treeName).join(', ')
}

/** The version of a package as it is installed. */
function versionOf(name: string): string {
  const path = join(import.meta.dirname, '..', 'node_modules', name, 'package.json')
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(path, 'utf8'))).version
}
