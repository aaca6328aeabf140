/** The commands about bridges. @module */
import type { OperatorRow } from './operator-row.ts'

const NAME = { name: 'BRIDGE', parameter: 'name' } as const
const ABSENT = 'there is no bridge NAME; `sluice bridges` lists them'

export const bridgeTable: readonly OperatorRow[] = [
  {
    ...{ name: 'bridges', operation: 'bridges', kind: 'view' },
    summary: 'lists the bridges to other brokers, and why one is not connected',
    details:
      'Each with its state, the reason if it is not connected, what waits for the other broker, and what has crossed.',
    fields: ['name', 'state', 'url', 'reason', 'nextAttemptAtMs', 'queuedMessages', 'connections'],
    none: 'no bridges are configured',
    examples: [
      ['sluice bridges', 'all of them'],
      ['sluice bridges --watch', 'again every 2 seconds'],
    ],
  },
  {
    ...{ name: 'pause-bridge', operation: 'pauseBridge', kind: 'action', positionals: [NAME], absent: ABSENT },
    summary: 'disconnects a bridge; its messages wait',
    details: 'It stays disconnected until `sluice resume-bridge`, or a reload that changes it.',
    done: ({ name }) => `the bridge ${JSON.stringify(name)} is paused`,
    examples: [['sluice pause-bridge cloud', 'while the other broker is being repaired']],
  },
  {
    ...{ name: 'resume-bridge', operation: 'resumeBridge', kind: 'action', positionals: [NAME], absent: ABSENT },
    summary: 'lets a paused bridge connect again',
    details: 'What has waited follows in its order.',
    done: ({ name }) => `the bridge ${JSON.stringify(name)} is connecting`,
    examples: [['sluice resume-bridge cloud', 'the bridge of that name']],
  },
]
