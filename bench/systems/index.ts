import type { System } from './system.ts'

/** Loaded one by one: a worker's process shall hold the code of its own system only. */
const LOADERS: Readonly<Record<string, () => Promise<System>>> = {
  floor: async () => (await import('./floor.ts')).floor,
  jobtable: async () => (await import('./jobtable.ts')).jobtable,
  'graphile-worker': async () => (await import('./graphile-worker.ts')).graphileWorker,
  'pg-boss': async () => (await import('./pg-boss.ts')).pgBoss,
  bullmq: async () => (await import('./bullmq.ts')).bullmq,
}

/** The system of a name. */
export async function loadSystem(name: string): Promise<System> {
  const load = LOADERS[name]
  if (load === undefined) throw new Error(`no system is named ${name}`)
  return await load()
}

/** All systems, in the order in which tables show them. */
export async function loadSystems(): Promise<readonly System[]> {
  return await Promise.all(Object.keys(LOADERS).map(loadSystem))
}
