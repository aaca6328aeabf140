/** The operations about traces. @module */
import type { OperationTable, ParameterRow } from './operation.ts'
import { LIMIT } from './page-parameters.ts'

type Optional = ParameterRow & { readonly required: false }

/** Most bytes of a payload that a trace shows. */
const MAX_PAYLOAD_BYTES = 65_536

const TRACE_ID = { place: 'path', type: 'text', required: true, description: 'Its `traceId`.' } as const

function body(type: ParameterRow['type'], description: string): Optional {
  return { place: 'body', type, required: false, description }
}

function count(description: string): Optional {
  return { ...body('integer', description), minimum: 1, maximum: Number.MAX_SAFE_INTEGER }
}

export const traceOperations: Pick<OperationTable, 'startTrace' | 'traces' | 'traceRecords' | 'stopTrace'> = {
  startTrace: {
    ...{ method: 'POST', path: '/traces', role: 'operator', answer: 'TraceView' },
    parameters: {
      clientId: body('text', 'Only that client identifier.'),
      userName: body('text', 'Only that user; of anonymous clients and before a login, the name in CONNECT.'),
      address: body('text', 'Only from that IP address or network, such as `10.0.0.0/8`.'),
      topicFilter: body('text', 'Follows messages of topics that it matches, rather than packets.'),
      payloadBytes: {
        ...body('integer', 'Bytes of each payload that are shown, if `admin.show-payloads` allows it; default 0.'),
        ...{ minimum: 0, maximum: MAX_PAYLOAD_BYTES },
      },
      seconds: count('When it ends; default 300, at most `admin.max-trace-seconds`.'),
      records: count('After how many records it ends; default and maximum: `admin.max-trace-records`.'),
    },
    description: 'Follows clients or topics from now on: packets, and what is decided about them.',
  },
  traces: {
    ...{ method: 'GET', path: '/traces', role: 'operator', parameters: {}, answer: 'TraceView[]' },
    description: 'Traces that go on or ended within the last minute: your own, and to administrators all.',
  },
  traceRecords: {
    ...{ method: 'GET', path: '/traces/{traceId}/records', role: 'operator', answer: 'TraceRecordsView | undefined' },
    parameters: {
      traceId: TRACE_ID,
      after: {
        ...{ place: 'query', type: 'integer', required: false, minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        description: '`seq` of the last record that is known; default 0.',
      },
      limit: LIMIT,
    },
    description: 'What a trace has recorded and still holds; a missing number means lost records.',
  },
  stopTrace: {
    ...{ method: 'DELETE', path: '/traces/{traceId}', role: 'operator', answer: 'boolean' },
    parameters: { traceId: TRACE_ID },
    description: 'Ends a trace. False if no such trace is running.',
  },
}
