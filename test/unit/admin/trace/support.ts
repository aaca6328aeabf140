/** Traces of a broker in virtual time. @module */
import type { CallOptions } from '../../../../src/broker/host/admin.ts'
import type { TraceRecord, TraceRequest, TraceView } from '../../../../src/broker/host/trace-admin.ts'
import { createAdmin } from '../../../../src/admin/admin.ts'
import { tracesOf } from '../../../../src/admin/trace/trace-calls.ts'
import { traceLine } from '../../../../src/admin/trace/trace-line.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { settled } from '../support.ts'

type Caller = CallOptions['caller']

export class TracedBroker {
  readonly test: VirtualBroker
  /** The last trace that was started. */
  view: TraceView | undefined

  constructor(test: VirtualBroker) {
    this.test = test
  }

  static async start(config: ConfigInput = {}): Promise<TracedBroker> {
    return new TracedBroker(await VirtualBroker.start(config))
  }

  async call<Answer>(name: string, parameters: object, caller?: Caller): Promise<Answer> {
    const admin = createAdmin(this.test.broker) as unknown as Record<
      string,
      (parameters: object, options: CallOptions) => Promise<Answer>
    >
    return settled(this.test, admin[name]!(parameters, { caller }))
  }

  async trace(request: TraceRequest, caller?: Caller): Promise<TraceView> {
    this.view = await this.call<TraceView>('startTrace', request, caller)
    // Sessions that are there are looked through meanwhile.
    await this.test.settle()
    return this.view
  }

  async records(traceId: string = this.view!.traceId): Promise<readonly TraceRecord[]> {
    const records: TraceRecord[] = []
    for (let after = 0; ;) {
      const part = await this.call<{ records: TraceRecord[]; after: number }>('traceRecords', {
        traceId,
        after,
        limit: 1000,
      })
      if (part.records.length === 0) return records
      records.push(...part.records)
      after = part.after
    }
  }

  /** Each record as a line, with the number of its connection and its client. */
  async lines(traceId?: string): Promise<string[]> {
    const records = await this.records(traceId)
    return records.map((record) => `${record.connection ?? '-'} ${record.clientId} ${traceLine(record)}`)
  }

  /** A trace as it is now; `undefined` once it is forgotten. */
  async now(traceId: string = this.view!.traceId): Promise<TraceView | undefined> {
    const all = await this.call<TraceView[]>('traces', {})
    return all.find((one) => one.traceId === traceId)
  }

  close(): Promise<void> {
    return this.test.close()
  }
}

/** A trace as the text of a file. */
export async function fileOf(traced: TracedBroker): Promise<string> {
  const trace = tracesOf(traced.test.broker).all.find(({ traceId }) => traceId === traced.view!.traceId)!
  const lines = [trace.header, ...(await traced.records())]
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
