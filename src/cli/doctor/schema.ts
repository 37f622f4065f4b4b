import type { Database } from '../../database.ts'
import { compare } from '../../migrate/compare.ts'
import { serverNotices } from '../../migrate/server.ts'
import { loadSource } from '../../migrate/source.ts'
import { readState } from '../../migrate/state.ts'
import { MigrateError } from '../../migrate.ts'
import { type Finding, fault, ok, warning } from './finding.ts'

/** Whether this version can work with the database's schema, and with its server. */
export async function checkSchema(database: Database): Promise<readonly Finding[]> {
  try {
    const state = await readState(database)
    const { object, fact, remedy, status } = compare(await loadSource(), state)
    const text = `${object} ${fact}`
    const usable = status === 'ok' || status === 'ahead-compatible'
    return [
      ...serverNotices(state).map((notice) => warning('server_version', notice, null)),
      usable ? ok('schema', text) : fault('schema', text, remedy),
    ]
  } catch (error) {
    if (!(error instanceof MigrateError) || error.code === 'no_permission') throw error
    const check = error.code === 'server_too_old' ? 'server_version' : 'schema'
    // A migration's refusal is one sentence: object, fact; remedy.
    const [fact = '', ...remedy] = error.message.split('; ')
    return [fault(check, fact, remedy.join('; ') || null)]
  }
}
