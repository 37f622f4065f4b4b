import { Child } from './child.ts'
import type { PoissonPlan, SenderAnswer, SenderOrder } from './messages.ts'
import type { Queue } from './queue.ts'

/** Processes that send jobs as a system's own clients do. */
export class Senders implements AsyncDisposable {
  readonly #children: readonly Child<SenderOrder, SenderAnswer>[]

  /** Resolves when they can send. The connections are shared out among the processes. */
  static async prepare(queue: Queue, processes: number, connections: number): Promise<Senders> {
    const senders = new Senders(processes)
    const order: SenderOrder = {
      order: 'prepare',
      system: queue.system.name,
      target: queue.target,
      connections: Math.ceil(connections / processes),
    }
    await Promise.all(senders.#children.map((child) => child.ask(order, 'prepared')))
    return senders
  }

  private constructor(processes: number) {
    this.#children = Array.from({ length: processes }, () => new Child('sender.ts'))
  }

  /** One job, now. */
  async one(): Promise<void> {
    await this.#children[0]?.ask({ order: 'one' }, 'sent')
  }

  /** Jobs at random times. Answers how many, and how late the sender itself was with each. */
  async poisson(plan: PoissonPlan): Promise<{ jobs: number; lateUs: readonly number[] }> {
    const share = { ...plan, perSecond: plan.perSecond / this.#children.length }
    const answers = await Promise.all(
      this.#children.map((child) => child.ask({ order: 'poisson', plan: share }, 'sent')),
    )
    return {
      jobs: answers.reduce((sum, { jobs }) => sum + jobs, 0),
      lateUs: answers.flatMap(({ lateUs }) => lateUs),
    }
  }

  /** As many jobs as go. Answers how many. */
  async flood(seconds: number): Promise<number> {
    const answers = await Promise.all(
      this.#children.map((child) => child.ask({ order: 'flood', seconds }, 'sent')),
    )
    return answers.reduce((sum, { jobs }) => sum + jobs, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()))
  }
}
