import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * A TCP proxy whose line can go dead: both ends stay open and hear nothing more of each other, as when
 * a cable is cut or a firewall forgets a connection.
 */
export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** From now on nothing passes, neither data nor the end of a connection; new ones are accepted. */
  cut(): void
  /** What connects from now on passes. What was connected is reset, as by a firewall that knows nothing of it. */
  heal(): void
  /** What connects from now on reaches another port. What was connected hears nothing more, for ever. */
  failOver(port: number): void
}

/** Whether a line passes: those of the time before a failover never do again. */
interface Line {
  passes: boolean
}

export async function startProxy(targetPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let line: Line = { passes: true }
  let port = targetPort
  const track = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay()
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  }
  const pipe = (from: Socket, to: Socket, along: Line): void => {
    from.on('data', (data) => {
      if (!along.passes || to.write(data)) return
      from.pause()
      to.once('drain', () => from.resume())
    })
    from.on('end', () => along.passes && to.end())
    from.on('close', () => along.passes && to.destroy())
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    track(client)
    if (!line.passes) {
      client.resume()
      return
    }
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    track(upstream)
    pipe(client, upstream, line)
    pipe(upstream, client, line)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: address.port,
    cut: () => {
      line.passes = false
    },
    heal: () => {
      reset()
      line = { passes: true }
    },
    failOver: (to) => {
      line.passes = false
      line = { passes: true }
      port = to
    },
    async [Symbol.asyncDispose]() {
      server.close()
      reset()
      await once(server, 'close')
    },
  }
}
