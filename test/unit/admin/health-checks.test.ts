import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

async function checksOf(broker: VirtualBroker): Promise<Readonly<Record<string, string | true>>> {
  const checks = await settled(broker, broker.broker.admin.healthChecks())
  return Object.fromEntries(checks.map(({ name, healthy, detail }) => [name, healthy || detail]))
}

test('a broker that stores nothing and has no audit log has no checks of them', async () => {
  const broker = await VirtualBroker.start()
  assert.deepEqual(await checksOf(broker), { listeners: true, memory: true })
  await broker.close()
})

test('memory is not well once it has reached its limit', async () => {
  const broker = await VirtualBroker.start()
  Object.defineProperty(broker.broker, 'memory', { value: { bytes: 20_000, limit: 20_000 } })
  assert.match(String((await checksOf(broker))['memory']), /20000 bytes are in use, and 20000 are allowed/)
  await broker.close()
})

test('a listener that waits for its address is named', async () => {
  // An address for documentation (RFC 5737), which no machine has.
  const broker = await VirtualBroker.start({
    auth: { 'allow-anonymous': true },
    listeners: { away: { bind: '192.0.2.1:1883', retry: true } },
  })
  assert.equal((await checksOf(broker))['listeners'], 'waiting for their addresses: away')
  await broker.close()
})

test('a store that is full says so', async () => {
  const broker = await VirtualBroker.start({ persistence: {} }, { disk: new MemoryDisk() })
  assert.equal((await checksOf(broker))['store'], true)
  Object.defineProperty(serverOf(broker.broker), 'storeHealth', { value: { condition: 'full', cause: 'max-bytes' } })
  assert.equal((await checksOf(broker))['store'], 'the store is full: persistence.max-bytes is reached')
  await broker.close()
})

const authority = new TestAuthority('Works CA')

/** Keys of TLS with a new certificate of that name. */
function identityFiles(name: string, expired = false) {
  const { certificate, key } = authority.issue({ subject: [['CN', name]], expired })
  const folder = scratchFolder()
  const files = { certfile: join(folder, `${name}.pem`), keyfile: join(folder, `${name}.key`) }
  writeFileSync(files.certfile, certificate)
  writeFileSync(files.keyfile, key)
  return { ...files, bind: '127.0.0.1:0', ssl: true }
}

test('certificates that have expired, or will within certificate-warning-days, are named with their listener', async () => {
  const broker = await VirtualBroker.start({
    auth: { 'allow-anonymous': true },
    listeners: {
      good: identityFiles('good'),
      old: identityFiles('old', true),
      // They are valid until 2049.
      careful: { ...identityFiles('careful'), 'certificate-warning-days': 3_650 },
    },
    admin: { ...identityFiles('api', true), socket: 'off' },
  })
  broker.clock.setWall(Date.UTC(2045, 0, 1))
  const detail = String((await checksOf(broker))['certificates'])
  assert.match(detail, /the certificate CN=old of listener old \(.*old\.pem\) has expired/)
  assert.match(detail, /CN=api of the HTTP API \(.*api\.pem\) has expired/)
  assert.match(detail, /CN=careful of listener careful \(.*\) expires in \d+ days/)
  assert.doesNotMatch(detail, /good/)
  const figures = broker.broker.figures().filter(({ name }) => name === 'certificateRemaining')
  assert.deepEqual(
    figures.map(({ labels, value }) => [labels['door'], labels['listener'], (value as number) > 0]),
    [
      ['listener', 'good', true],
      ['listener', 'old', false],
      ['listener', 'careful', true],
      ['admin', '', false],
    ],
  )
  const least = broker.broker.figure('certificateRemaining')!.value as number
  assert.equal(least, Math.min(...figures.map(({ value }) => value as number)))
  await broker.close()
})

test('without a certificate there is no check of them, and no figure', async () => {
  const broker = await VirtualBroker.start()
  assert.equal((await checksOf(broker))['certificates'], undefined)
  assert.equal(broker.broker.figure('certificateRemaining'), undefined)
  assert.ok(broker.broker.figures().every(({ name }) => name !== 'certificateRemaining'))
  await broker.close()
})
