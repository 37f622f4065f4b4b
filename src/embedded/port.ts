import { createServer } from 'node:net'
import { EmbeddedError } from './errors.ts'
import { type Folder, readPort } from './folder.ts'

/**
 * The port to start on: the one asked for, else that of the last start, else a free one. The kept
 * one is given up when another program has taken it meanwhile.
 *
 * @throws EmbeddedError `port_in_use` if the port asked for is taken
 */
export async function choosePort(folder: Folder, asked: number | undefined): Promise<number> {
  if (asked !== undefined) {
    if ((await tryPort(asked)) !== undefined) return asked
    throw new EmbeddedError(
      'port_in_use',
      `port ${asked} on 127.0.0.1 is taken by another program: name another port, or none`,
    )
  }
  const kept = await readPort(folder)
  const port = (kept === undefined ? undefined : await tryPort(kept)) ?? (await tryPort(0))
  if (port !== undefined) return port
  throw new EmbeddedError('port_in_use', 'no port is free on 127.0.0.1: end some programs')
}

/** The port bound on the loopback address, 0 being any free one; undefined if it cannot be. */
async function tryPort(port: number): Promise<number | undefined> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' ? address?.port : undefined
      server.close(() => resolve(bound))
    })
  })
}
