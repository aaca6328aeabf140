/** The operations about bridges. @module */
import type { OperationTable } from './operation.ts'

const NAME = { place: 'path', type: 'text', required: true, description: 'Its name in the configuration.' } as const

export const bridgeOperations: Pick<OperationTable, 'bridges' | 'pauseBridge' | 'resumeBridge'> = {
  bridges: {
    ...{ method: 'GET', path: '/bridges', role: 'viewer', parameters: {}, answer: 'BridgeView[]' },
    description: 'The bridges to other brokers: whether they are connected, why not, and what has crossed them.',
  },
  pauseBridge: {
    ...{ method: 'POST', path: '/bridges/{name}/pause', role: 'operator', answer: 'boolean' },
    parameters: { name: NAME },
    description: 'Disconnects a bridge until it is resumed, or its configuration changes. Messages wait meanwhile.',
  },
  resumeBridge: {
    ...{ method: 'POST', path: '/bridges/{name}/resume', role: 'operator', answer: 'boolean' },
    parameters: { name: NAME },
    description: 'Lets a bridge that was paused connect again.',
  },
}
