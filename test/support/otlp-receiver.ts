/** A collector: takes what is exported by OTLP over HTTP as JSON, and can refuse or hang. @module */
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { Identity } from './certificates.ts'

/** An attribute as OTLP writes it. */
interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly KeyValue[]
  readonly status: { readonly code: number; readonly message?: string }
}

export interface ReceivedLine {
  readonly body: { readonly stringValue: string }
  readonly severityText: string
  readonly attributes: readonly KeyValue[]
}

export interface ReceivedMetric {
  readonly name: string
  readonly unit: string
  readonly sum?: { readonly dataPoints: readonly { readonly asDouble: number }[]; readonly isMonotonic: boolean }
  readonly gauge?: { readonly dataPoints: readonly { readonly asDouble: number }[] }
  readonly histogram?: { readonly dataPoints: readonly { readonly count: number }[] }
}

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  readonly lines: ReceivedLine[] = []
  readonly metrics: ReceivedMetric[] = []
  /** Attributes of the resource of the last export. */
  resource: readonly KeyValue[] = []
  headers: IncomingHttpHeaders = {}
  requests = 0
  /** How it answers. */
  behaviour: 'accept' | 'refuse' | 'hang' = 'accept'
  readonly #server: Server
  readonly #scheme: string

  /** @param identity serves TLS with it */
  static async start(t: TestContext, identity?: Identity): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(identity)
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    t.after(() => {
      receiver.#server.closeAllConnections()
      receiver.#server.close()
    })
    return receiver
  }

  constructor(identity: Identity | undefined) {
    const listener: RequestListener = (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        this.requests++
        this.headers = request.headers
        this.#answer(request.url!, Buffer.concat(chunks).toString(), response)
      })
    }
    this.#scheme = identity === undefined ? 'http' : 'https'
    this.#server =
      identity === undefined
        ? createServer(listener)
        : createTlsServer({ cert: identity.certificate, key: identity.key }, listener)
  }

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  #answer(url: string, body: string, response: ServerResponse): void {
    if (this.behaviour === 'hang') return
    if (this.behaviour === 'accept') this.#take(url, JSON.parse(body) as Received)
    response.writeHead(this.behaviour === 'accept' ? 200 : 400, { 'content-type': 'application/json' }).end('{}')
  }

  #take(url: string, { resourceSpans = [], resourceLogs = [], resourceMetrics = [] }: Received): void {
    const of = { '/v1/traces': resourceSpans, '/v1/logs': resourceLogs, '/v1/metrics': resourceMetrics }[url] ?? []
    for (const { resource, scopeSpans = [], scopeLogs = [], scopeMetrics = [] } of of) {
      this.resource = resource.attributes
      this.spans.push(...scopeSpans.flatMap(({ spans }) => spans))
      this.lines.push(...scopeLogs.flatMap(({ logRecords }) => logRecords))
      this.metrics.push(...scopeMetrics.flatMap(({ metrics }) => metrics))
    }
  }
}

interface Received {
  readonly resourceSpans?: readonly ReceivedScopes[]
  readonly resourceLogs?: readonly ReceivedScopes[]
  readonly resourceMetrics?: readonly ReceivedScopes[]
}

interface ReceivedScopes {
  readonly resource: { readonly attributes: readonly KeyValue[] }
  readonly scopeSpans?: readonly { readonly spans: readonly ReceivedSpan[] }[]
  readonly scopeLogs?: readonly { readonly logRecords: readonly ReceivedLine[] }[]
  readonly scopeMetrics?: readonly { readonly metrics: readonly ReceivedMetric[] }[]
}

/** Attributes as an object. */
export function attributesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
