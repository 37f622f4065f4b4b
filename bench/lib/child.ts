import { type ChildProcess, fork } from 'node:child_process'
import { end, own } from './processes.ts'

const END_GRACE_MS = 5_000

/** A message names its kind. */
interface Kind {
  readonly answer: string
}

/** A process of its own that is given orders and answers them. */
export class Child<Order extends object, Answer extends Kind> implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #failed = Promise.withResolvers<never>()
  #ending = false

  constructor(file: string, env: Readonly<Record<string, string>> = {}) {
    this.#process = own(
      fork(new URL(`../${file}`, import.meta.url), [], {
        env: { ...process.env, ...env },
        // What a worker logs is a part of its work; what it says is not of interest here.
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      }),
    )
    this.#failed.promise.catch(() => undefined)
    this.#process.once('exit', (code, signal) => {
      if (!this.#ending) this.#failed.reject(new Error(`${file} ended: ${code ?? signal}`))
    })
  }

  /** Rejects when the process ends unasked. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /** Calls a function with every answer of a kind, until the function given back is called. */
  on<K extends Answer['answer']>(
    kind: K,
    use: (answer: Extract<Answer, { answer: K }>) => void,
  ): () => void {
    const isOfKind = (answer: Answer): answer is Extract<Answer, { answer: K }> =>
      answer.answer === kind
    const listen = (answer: Answer): void => {
      if (isOfKind(answer)) use(answer)
    }
    this.#process.on('message', listen)
    return () => this.#process.off('message', listen)
  }

  /** Gives an order, and resolves to the next answer of the kind that belongs to it. */
  async ask<K extends Answer['answer']>(
    order: Order,
    kind: K,
  ): Promise<Extract<Answer, { answer: K }>> {
    const { promise, resolve } = Promise.withResolvers<Extract<Answer, { answer: K }>>()
    const off = this.on(kind, resolve)
    try {
      this.#process.send(order)
      return await Promise.race([promise, this.failed])
    } finally {
      off()
    }
  }

  /** Ends the process, and with it its sessions. */
  async stop(): Promise<void> {
    this.#ending = true
    await end(this.#process, END_GRACE_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
