import type { Pool, PoolClient } from 'pg'

/**
 * A connection that is checked out of a pool. It listens for its own failure from the moment on in
 * which the pool hands it out, and not a turn later, as after the promise of `pool.connect()`: the
 * server may end it in the packet that accepts it, and an error that nobody hears ends the process.
 */
export class PooledClient implements Disposable {
  readonly client: PoolClient
  #broken: Error | undefined
  #released = false
  readonly #onError = (error: Error): void => {
    this.#broken = error
  }

  private constructor(client: PoolClient) {
    this.client = client
    client.on('error', this.#onError)
  }

  static checkOut(pool: Pool): Promise<PooledClient> {
    return new Promise((resolve, reject) => {
      pool.connect((error, client) => {
        if (client === undefined) reject(error ?? new Error('the pool gave no connection'))
        else resolve(new PooledClient(client))
      })
    })
  }

  /** Closes the connection, also one that a statement keeps busy, which fails then. */
  break(reason: Error): void {
    this.#broken ??= reason
    this[Symbol.dispose]()
  }

  /** Gives the connection back; one that is broken is closed. */
  [Symbol.dispose](): void {
    if (this.#released) return
    this.#released = true
    // A broken one may yet tell of it again.
    if (this.#broken === undefined) this.client.off('error', this.#onError)
    this.client.release(this.#broken)
  }
}
