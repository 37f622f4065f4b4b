import { parseArgs } from 'node:util'

/**
 * Reads options that are numbers, and --json.
 *
 * @param defaults the options that there are, each with its value where it is not given
 */
export function readNumbers<T extends Readonly<Record<string, number>>>(
  defaults: T,
): { readonly numbers: Readonly<Record<keyof T, number>>; readonly json: boolean } {
  const names = Object.keys(defaults)
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    },
  })
  const numbers = Object.fromEntries(
    Object.entries(defaults).map(([name, otherwise]) => {
      const given = Object.entries(values).find(([key]) => key === name)?.[1]
      if (given === undefined) return [name, otherwise]
      if (!/^\d+(\.\d+)?$/.test(String(given))) throw new RangeError(`--${name} must be a number`)
      return [name, Number(given)]
    }),
  ) as Record<keyof T, number>
  return { numbers, json: values.json === true }
}

/** Fires when the run is asked to end: everything is then healed, stopped and removed. */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort())
  return controller.signal
}
