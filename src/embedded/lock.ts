import { randomBytes, randomInt } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EmbeddedError } from './errors.ts'
import { isAlive, startOf } from './process.ts'

/** Longer than the slowest first start: copying 60 MB and initdb on a loaded disk. */
const LOCK_TIMEOUT_MS = 180_000

const CLAIM = /^launch-(\d+)-(\d+)-[0-9a-f]+\.lock$/

/**
 * Lets one launcher at a time work on a folder, across processes, and survives their being killed.
 *
 * Each launcher writes a claim named after itself, then looks for claims of others: if a living one
 * is there, it withdraws and tries again later. Of two launchers the later always sees the earlier, so
 * both never go ahead. A claim of a dead process counts for nothing and nobody else ever writes its
 * name, so removing it cannot hit a living one: the race that a single lock file has when two
 * launchers find it stale.
 *
 * @returns the lock; disposing of it releases it
 * @throws EmbeddedError `locked` after three minutes
 */
export async function acquireLaunchLock(
  folder: string,
  timeoutMs: number = LOCK_TIMEOUT_MS,
): Promise<AsyncDisposable> {
  const deadline = Date.now() + timeoutMs
  const nonce = randomBytes(6).toString('hex')
  const own = `launch-${process.pid}-${startOf(process.pid)}-${nonce}.lock`
  const path = join(folder, own)
  for (;;) {
    await writeFile(path, '', { flag: 'wx', mode: 0o600 })
    const rival = await livingRival(folder, own)
    if (rival === undefined) {
      return { [Symbol.asyncDispose]: async () => await rm(path, { force: true }) }
    }
    await rm(path, { force: true })
    if (Date.now() > deadline) {
      throw new EmbeddedError(
        'locked',
        `process ${rival} has been starting the server of ${folder} for over ` +
          `${Math.round(timeoutMs / 1000)} s: wait for it, or end it and try again`,
      )
    }
    // Random, so that two launchers which saw each other do not meet again.
    await delay(randomInt(20, 120))
  }
}

async function livingRival(folder: string, own: string): Promise<number | undefined> {
  for (const name of await readdir(folder)) {
    const claim = name === own ? null : CLAIM.exec(name)
    if (claim === null) continue
    const pid = Number(claim[1])
    if (isAlive(pid) && startOf(pid) === claim[2]) return pid
    await rm(join(folder, name), { force: true })
  }
  return undefined
}
