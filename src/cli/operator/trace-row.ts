/** `sluice trace`, as a row: its options follow from the operation. @module */
import type { OperatorRow } from './operator-row.ts'

/** The operation behind the command: its parameters are the options. */
export const traceRow: OperatorRow = {
  ...{ name: 'trace', operation: 'startTrace', kind: 'action' },
  positionals: [{ name: 'CLIENT', parameter: 'clientId', isOptional: true }],
  summary: 'follows clients or topics live: packets, decisions, and what becomes of messages',
  details:
    'Every condition that is given has to hold; at least one is needed. With --topic-filter, messages are followed: who\npublished, who received, and who did not and why. Ctrl-C ends it.',
  examples: [
    ['sluice trace meter-7', 'one client, now and each time that it connects again'],
    ["sluice trace --topic-filter 'power/#'", 'who gets these messages, and who does not'],
    ['sluice trace --address 192.0.2.0/24 --file trace.jsonl', 'a network, and a file to replay as a test'],
    ['sluice trace meter-7 | jq -c .packet', 'a line of JSON for each record'],
  ],
}
