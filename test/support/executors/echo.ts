import { defineExecutor } from 'jobtable'

export default defineExecutor({
  type: 'echo',
  description: 'Returns its payload.',
  async execute({ payload, log, progress }) {
    log.info('echoing', { fields: Object.keys(payload).length })
    progress({ fraction: 1, stage: 'echo' })
    return payload
  },
})
