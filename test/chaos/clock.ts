import { chmod, mkdir, readlink, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { faketimeLibrary } from '../support/faketime.ts'

/** A server's clock: the machine's, and so many seconds ahead of it or behind. */
export interface MovableClock {
  /** The folder of the programs to start the server with. */
  readonly binDir: string
  /** Moves the clock of every process of the server at once. */
  moveTo(offsetSeconds: number): Promise<void>
}

/**
 * Makes PostgreSQL's program obey a clock of its own.
 *
 * @param dir a folder that the server's account may read
 * @param postgres the process id of a running server, whose program is to be started with it
 */
export async function createClock(dir: string, postgres: number): Promise<MovableClock> {
  if (faketimeLibrary === undefined) {
    throw new Error('libfaketime is not installed: apt-get install libfaketime')
  }
  const file = join(dir, 'clock')
  const moveTo = async (offsetSeconds: number): Promise<void> => {
    // Never half-written: a process may look at any moment.
    await writeFile(`${file}.new`, `${offsetSeconds < 0 ? '-' : '+'}${Math.abs(offsetSeconds)}s\n`)
    await chmod(`${file}.new`, 0o644)
    await rename(`${file}.new`, file)
  }
  await moveTo(0)
  const binDir = join(dir, 'bin')
  await mkdir(binDir, { mode: 0o755 })
  const program = await readlink(`/proc/${postgres}/exe`)
  await writeFile(
    join(binDir, 'postgres'),
    [
      '#!/bin/sh',
      `export LD_PRELOAD=${faketimeLibrary} FAKETIME_TIMESTAMP_FILE='${file}'`,
      // Sessions must not disagree about the time; waiting, timeouts and files stay real.
      'export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1',
      `exec '${program}' "$@"`,
      '',
    ].join('\n'),
  )
  await chmod(join(binDir, 'postgres'), 0o755)
  return { binDir, moveTo }
}
