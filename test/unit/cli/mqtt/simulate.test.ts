import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fleet } from '../../../../src/cli/mqtt/simulate/fleet.ts'
import { kindsOf, readScenario, spanOf } from '../../../../src/cli/mqtt/simulate/scenario.ts'
import { compileTemplate } from '../../../../src/cli/mqtt/simulate/template.ts'
import { dialBroker } from '../../../support/client-end.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'

function fleetOf(broker: VirtualBroker, devices: unknown): Fleet {
  return new Fleet(kindsOf({ devices }), {}, broker.clock, (attempt) => void dialBroker(broker, attempt))
}

test('devices connect at their pace, publish at theirs, and receive what they have subscribed to', async () => {
  const broker = await VirtualBroker.start()
  const fleet = fleetOf(broker, {
    sensor: {
      count: 10,
      'connect-per-second': 2,
      publish: [{ topic: 'plant/${id}/temperature', every: '1s', qos: 1, payload: '{"t":${random 15 25 1}}' }],
    },
    display: { subscribe: [{ filter: 'plant/+/temperature', qos: 1 }] },
  })
  assert.equal(fleet.size, 11)
  fleet.start()
  broker.advance(0)
  assert.equal(fleet.totals.connected, 2)
  broker.advance(4500)
  assert.equal(fleet.totals.connected, 11)
  broker.advance(10_000)
  const { published, acknowledged, received, failed } = fleet.totals
  assert.ok(published >= 100, `${published} published`)
  assert.deepEqual([acknowledged, received, failed], [published, published, 0])
  fleet.stop()
  broker.advance(1000)
  assert.equal(fleet.totals.connected, 0)
  await broker.close()
})

test('devices that go away come back, under their client identifier', async () => {
  const broker = await VirtualBroker.start()
  const fleet = fleetOf(broker, { visitor: { count: 5, online: '10s', away: '5s..8s' } })
  fleet.start()
  broker.advance(9000)
  assert.deepEqual([fleet.totals.connected, fleet.totals.logins], [5, 5])
  broker.advance(5000)
  assert.equal(fleet.totals.connected, 0)
  broker.advance(5000)
  assert.deepEqual([fleet.totals.connected, fleet.totals.logins], [5, 10])
  assert.equal(fleet.totals.errors.size, 0)
  fleet.stop()
  await broker.close()
})

test('devices that lose their connection connect again, and the error is counted', async () => {
  const broker = await VirtualBroker.start()
  const fleet = fleetOf(broker, { sensor: { publish: [{ topic: 'a', every: '1s' }] } })
  fleet.start()
  broker.advance(100)
  await broker.broker.disconnect('sensor-1')
  broker.advance(0)
  assert.deepEqual([fleet.totals.connected, [...fleet.totals.errors]], [0, [['ERR_CLIENT_DISCONNECTED', 1]]])
  broker.advance(1000)
  assert.deepEqual([fleet.totals.connected, fleet.totals.logins], [1, 2])
  fleet.stop()
  await broker.close()
})

test('placeholders of templates', () => {
  const clock = new VirtualClock()
  const subject = { id: 'sensor-7', n: 7, clock }
  const make = (text: string): string => compileTemplate(text, subject)()
  assert.equal(make('a/${id}/${n}'), 'a/sensor-7/7')
  const counter = compileTemplate('${counter}', subject)
  assert.deepEqual([counter(), counter()], ['1', '2'])
  assert.equal(make('${bytes 5}'), 'xxxxx')
  assert.equal(make('${time}'), new Date(clock.wallNow()).toISOString())
  assert.equal(make('${milliseconds}'), String(clock.wallNow()))
  assert.match(make('${random 15 25 1}'), /^(?:1[5-9]|2[0-5])\.\d$/)
  assert.match(make('${choose on off}'), /^(?:on|off)$/)
  const walk = compileTemplate('${walk 0 100 1 3}', subject)
  for (let value = Number(walk()), step = 0; step < 50; step++) {
    const next = Number(walk())
    assert.ok(Math.abs(next - value) <= 1.001 && next >= 0 && next <= 100)
    value = next
  }
  assert.throws(() => make('${nonsense}'), /There is no placeholder/)
  assert.throws(() => make('${random x}'), /random takes 2 to 3 numbers/)
  assert.throws(() => make('${choose}'), /at least one word/)
})

test('times', () => {
  assert.deepEqual(spanOf('5s', 'every'), { fromMs: 5000, toMs: 5000 })
  assert.deepEqual(spanOf('500ms..2m', 'every'), { fromMs: 500, toMs: 120_000 })
  for (const wrong of ['5', 's', '2s..1s', '0s', undefined])
    assert.throws(() => spanOf(wrong, 'every'), /every must be a time/)
})

const WRONG: readonly (readonly [scenario: unknown, error: RegExp])[] = [
  [undefined, /the scenario must be an object/],
  [{ device: {} }, /device is not a known key; did you mean devices\?/],
  [{ devices: {} }, /there is none/],
  [{ devices: { a: { cuont: 1 } } }, /devices\.a: cuont is not a known key; did you mean count\?/],
  [{ devices: { a: { count: -1 } } }, /devices\.a\.count must be a number from 0/],
  [{ devices: { a: { count: 200_000 } } }, /devices\.a\.count must be/],
  [{ devices: { a: { online: '1s' } } }, /online and away belong together/],
  [{ devices: { a: { publish: {} } } }, /devices\.a\.publish must be a list/],
  [{ devices: { a: { publish: [{ every: '1s' }] } } }, /devices\.a\.publish\[0\]: topic is missing/],
  [{ devices: { a: { publish: [{ topic: 'a' }] } } }, /devices\.a\.publish\[0\]\.every must be a time/],
  [{ devices: { a: { subscribe: [{ filter: 'a', qos: 3 }] } } }, /qos must be a number from 0 to 2, got 3/],
]
for (const [scenario, error] of WRONG) {
  test(`a scenario is refused: ${error}`, () => assert.throws(() => kindsOf(scenario), error))
}

test('a scenario is a YAML file or a module', async () => {
  const folder = scratchFolder()
  const [yaml, module] = [join(folder, 'fleet.yaml'), join(folder, 'fleet.mjs')]
  writeFileSync(yaml, 'devices: { a: { count: 3, publish: [{ topic: x, every: 1s, payload: { n: 1 } }] } }')
  writeFileSync(module, 'export default { devices: { a: { count: 4 } } }')
  const [kind] = await readScenario(yaml)
  assert.deepEqual([kind!.count, kind!.publish[0]!.payload], [3, '{"n":1}'])
  assert.equal((await readScenario(module))[0]!.count, 4)
  await assert.rejects(readScenario(join(folder, 'none.yaml')), /none\.yaml cannot be used/)
})
