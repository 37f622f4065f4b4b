import pg from 'pg'

/** A statement of a worker, on its way. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
  /** Sends it, for the server's answer. */
  readonly send: () => Promise<unknown>
}

type Query = (...args: unknown[]) => Promise<unknown>

/** Lets a test hold back what workers send, or the answers, or lose them, until its scope ends. */
export function interceptAnswers(
  intercept: (statement: Statement) => Promise<unknown>,
): Disposable {
  const query = Reflect.get(pg.Pool.prototype, 'query') as Query
  const intercepted = new Proxy(query, {
    async apply(target, pool, args: unknown[]) {
      const send = async (): Promise<unknown> => await Reflect.apply(target, pool, args)
      const [statement] = args
      // Tests' own statements are mere text.
      if (typeof statement !== 'object') return await send()
      return await intercept({ ...(statement as Omit<Statement, 'send'>), send })
    },
  })
  Reflect.set(pg.Pool.prototype, 'query', intercepted)
  return { [Symbol.dispose]: () => Reflect.set(pg.Pool.prototype, 'query', query) }
}
