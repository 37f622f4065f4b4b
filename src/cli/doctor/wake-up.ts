import type { Client } from 'pg'
import type { ConnectionSource } from '../../config.ts'
import type { Database } from '../../database.ts'
import { listen } from '../../queries/session.ts'
import { notify } from '../../queries/worker.ts'
import { connect } from '../connect.ts'
import { messageOf } from '../errors.ts'
import { type Finding, fault, ok } from './finding.ts'

/** A notification must have arrived within this time, in milliseconds. */
const PROBE_TIMEOUT_MS = 3_000

const REMEDY =
  'give workers a connection that is their own: --listen-url past the pooler, or one in session mode'

/**
 * Whether notifications arrive where a worker would listen. Sent from another session: a pooler in
 * transaction mode can hand a session what it has sent itself, and nothing else.
 */
export async function checkWakeUp(
  sender: Database,
  listenAt: ConnectionSource,
): Promise<readonly Finding[]> {
  let listener: Client | undefined
  try {
    listener = await connect(listenAt, 'doctor')
    const arrived = await probe(listener, sender)
    return [
      arrived
        ? ok('wake_up', 'notifications arrive: workers pick up new jobs at once')
        : fault(
            'wake_up',
            'notifications do not arrive (a pooler in transaction mode?): workers find jobs by polling only',
            REMEDY,
          ),
    ]
  } catch (error) {
    return [fault('wake_up', `LISTEN does not work: ${messageOf(error)}`, REMEDY)]
  } finally {
    await listener?.end()
  }
}

async function probe(listener: Client, sender: Database): Promise<boolean> {
  const channel = `jobtable_doctor_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, PROBE_TIMEOUT_MS, false)
  listener.on('notification', (notification) => {
    if (notification.channel === channel) resolve(true)
  })
  try {
    await listen(listener, channel)
    await notify(sender, channel)
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
