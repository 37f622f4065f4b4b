import { parseArgs } from 'node:util'
import type { Options } from './bench.ts'
import type { Scenario } from './scenario.ts'

/** What the command line asks for. Throws an Error that tells how it is used. */
export function parseOptions(args: readonly string[], scenarios: readonly Scenario[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      checkout: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', default: '' },
      cells: { type: 'string', default: '' },
      rounds: { type: 'string' },
    },
  })
  const [scenario = '', ...others] = positionals
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  const isRounds = rounds === undefined || (Number.isInteger(rounds) && rounds > 0)
  if (!scenarios.some(({ name }) => name === scenario) || others.length > 0 || !isRounds) {
    throw new Error(usage(scenarios))
  }
  return {
    scenario,
    json: values.json,
    quick: values.quick,
    long: values.long,
    checkouts: values.checkout,
    only: values.only.split(',').filter(Boolean),
    cells: values.cells,
    rounds,
  }
}

function usage(scenarios: readonly Scenario[]): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  return [
    'usage: node bench/main.ts SCENARIO [--quick] [--long] [--json] [--checkout DIR]... ',
    '         [--only system,system:variant] [--cells TEXT] [--rounds N]',
    '',
    ...scenarios.map(({ name, purpose }) => `  ${name.padEnd(width)}  ${purpose}`),
  ].join('\n')
}
