import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestBroker } from 'sluice/testing'
import { DoorSensor } from './door-sensor.js'

async function start(context) {
  const broker = await createTestBroker()
  const stream = broker.open()
  const sensor = new DoorSensor('front', () => stream)
  context.after(async () => {
    sensor.stop()
    await broker.close()
  })
  await sensor.ready()
  return { broker, stream, sensor }
}

/** What is retained at that topic now. */
async function retained(broker, topic) {
  const payloads = []
  const subscription = broker.subscribe(topic, ({ payload }) => payloads.push(Buffer.from(payload).toString()))
  await broker.settle()
  subscription.close()
  return payloads
}

test('what the sensor reports is there for an hour', async (context) => {
  const { broker, sensor } = await start(context)
  await sensor.report('open')
  await broker.advance(3_599_000)
  assert.deepEqual(await retained(broker, 'doors/front/state'), ['open'])
  await broker.advance(1000)
  assert.deepEqual(await retained(broker, 'doors/front/state'), [])
})

test('a sensor whose network is dead is lost after 1.5 times its Keep Alive and 10 seconds of grace', async (context) => {
  const { broker, stream } = await start(context)
  stream.silence()
  await broker.advance(45_000 + 9_999)
  assert.deepEqual(await retained(broker, 'doors/front/status'), [])
  await broker.advance(1)
  assert.deepEqual(await retained(broker, 'doors/front/status'), ['lost'])
})

test('a slow line changes nothing', async (context) => {
  const { broker, stream, sensor } = await start(context)
  stream.delay(2000)
  stream.split(5)
  const reported = sensor.report('closed')
  await broker.advance(4000)
  await reported
  assert.deepEqual(await retained(broker, 'doors/front/state'), ['closed'])
})
