/** Debian's Prometheus scrapes a broker at work: its figures, the alert rules and the dashboard that ship with it. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { freePort } from '../../src/bench/process.ts'
import { PROMETHEUS_CONTENT_TYPE, type Broker } from '../../src/index.ts'
import { DASHBOARD } from '../../tools/dashboard.ts'
import { root } from '../../tools/main.ts'
import { TestAuthority } from '../support/certificates.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { run } from './mosquitto.ts'
import { dial } from './mqtt-js.ts'
import { Program, serve } from './support.ts'

const RULES = join(root, 'ops/prometheus-rules.yaml')
const PATIENCE_MS = 60_000

interface Served {
  readonly broker: Broker
  readonly port: number
  /** Where `/metrics` is. */
  readonly target: string
  /** Of role viewer. */
  readonly key: string
}

/** A durable broker that serves its figures. */
async function serveFigures(t: TestContext): Promise<Served> {
  const target = `127.0.0.1:${await freePort()}`
  const persistence = { path: join(scratchFolder(), 'store') }
  const listeners = { tcp: { bind: '127.0.0.1:0' }, tls: { bind: '127.0.0.1:0', ssl: true, ...identityFiles() } }
  const { broker, port } = await serve(t, { listeners, persistence, admin: { bind: target, socket: 'off' } })
  const { key } = await broker.admin.createApiKey({ name: 'prometheus', role: 'viewer' })
  return { broker, port, target, key }
}

function identityFiles(): { readonly certfile: string; readonly keyfile: string } {
  const { certificate, key } = new TestAuthority('Works CA').issue()
  const folder = scratchFolder()
  const files = { certfile: join(folder, 'cert.pem'), keyfile: join(folder, 'key.pem') }
  writeFileSync(files.certfile, certificate)
  writeFileSync(files.keyfile, key)
  return files
}

/** A client that publishes to itself, stored, until the test ends. */
async function keepBusy(t: TestContext, port: number): Promise<void> {
  const client = await dial(`mqtt://127.0.0.1:${port}`)
  let ended = false
  t.after(() => {
    ended = true
    client.end(true)
  })
  await client.subscribeAsync('load/#', { qos: 1 })
  const publish = (): void => {
    if (!ended) client.publish('load/x', 'y', { qos: 1, retain: true }, () => setImmediate(publish))
  }
  publish()
}

/** Prometheus on a port of its own, which scrapes the broker five times a second. @returns where it answers */
async function startPrometheus(t: TestContext, { target, key }: Served): Promise<string> {
  const folder = scratchFolder()
  const settings = { scrape_interval: '200ms', evaluation_interval: '200ms' }
  const authorization = { credentials: key }
  const scrapes = [{ job_name: 'sluice', authorization, static_configs: [{ targets: [target] }] }]
  const file = join(folder, 'prometheus.json')
  writeFileSync(file, JSON.stringify({ global: settings, rule_files: [RULES], scrape_configs: scrapes }))
  const address = `127.0.0.1:${await freePort()}`
  const flags = [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`]
  const prometheus = new Program('prometheus', flags)
  t.after(() => {
    prometheus.kill()
    return prometheus.end()
  })
  await prometheus.line(/Server is ready to receive web requests/)
  return `http://${address}/api/v1`
}

interface Answer<T> {
  readonly status: string
  readonly data: T
  readonly error?: string
}

async function ask<T>(url: string): Promise<T> {
  const response = await fetch(url)
  const { status, data, error } = (await response.json()) as Answer<T>
  assert.equal(status, 'success', error)
  return data
}

interface Samples {
  readonly result: readonly { readonly value: readonly [number, string] }[]
}

/** Asks until there is a number to draw: Prometheus needs two scrapes for a rate. */
async function numbersOf(api: string, query: string): Promise<number[]> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const { result } = await ask<Samples>(`${api}/query?query=${encodeURIComponent(query)}`)
    const numbers = result.map(({ value }) => Number(value[1])).filter((value) => Number.isFinite(value))
    if (numbers.length > 0 || performance.now() > until) return numbers
    await delay(100)
  }
}

test('promtool finds nothing to say about the figures, and accepts the alert rules', async (t) => {
  const { target, key } = await serveFigures(t)
  const response = await fetch(`http://${target}/metrics`, { headers: { Authorization: `Bearer ${key}` } })
  assert.equal(response.headers.get('content-type'), PROMETHEUS_CONTENT_TYPE)
  const metrics = await run('promtool', ['check', 'metrics'], await response.text())
  assert.deepEqual(metrics, { code: 0, out: '', err: '' })
  const rules = await run('promtool', ['check', 'rules', RULES])
  assert.equal(rules.code, 0, rules.out + rules.err)
})

test('every query of the dashboard draws something for a broker at work, and every alert rule can be evaluated', async (t) => {
  const served = await serveFigures(t)
  await keepBusy(t, served.port)
  const api = await startPrometheus(t, served)
  for (const { panels } of DASHBOARD) {
    for (const { title, queries } of panels) {
      for (const [query] of queries) {
        const asked = query.replaceAll('$__rate_interval', '2s').replaceAll('$instance', '.*')
        assert.ok((await numbersOf(api, asked)).length > 0, `${title}: ${asked}`)
      }
    }
  }
  const received = await numbersOf(api, 'rate(sluice_messages_received_total[2s])')
  assert.ok(received[0]! > 0, 'a broker at work receives messages')

  const { groups } = await ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
    `${api}/rules`,
  )
  const rules = groups.flatMap((group) => group.rules)
  const written = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  assert.deepEqual(
    rules.map(({ name }) => name),
    written,
  )
  for (const { name, health, lastError } of rules) assert.equal(health, 'ok', `${name}: ${lastError}`)
})

test('the rules name only figures that exist', () => {
  const known = new Set(readFileSync(join(root, 'docs/reference/metrics.md'), 'utf8').match(/sluice_[a-z_]+/g))
  for (const name of readFileSync(RULES, 'utf8').match(/sluice_[a-z_]+/g) ?? []) {
    assert.ok(known.has(name.replace(/_bucket$/, '')), name)
  }
})
