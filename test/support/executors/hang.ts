import { once } from 'node:events'
import { defineExecutor } from 'jobtable'

export default defineExecutor({
  type: 'hang',
  description: 'Runs until it is asked to stop.',
  async execute({ signal, progress, log }) {
    progress({ fraction: 0.5, stage: 'hanging' })
    log.info('hanging')
    if (!signal.aborted) await once(signal, 'abort')
    signal.throwIfAborted()
  },
})
