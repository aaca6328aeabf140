import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestBroker } from 'sluice/testing'
import { DoorSensor } from '../door-sensor.js'

let broker
let stream
let sensor

beforeEach(async () => {
  broker = await createTestBroker()
  stream = broker.open()
  sensor = new DoorSensor('back', () => stream)
  await sensor.ready()
})

afterEach(async () => {
  sensor.stop()
  await broker.close()
})

test('the sensor is known while it is connected', async () => {
  expect((await broker.clients()).items.map(({ clientId }) => clientId)).toEqual(['door-back'])
  stream.cut()
  await broker.settle()
  expect((await broker.clients()).items).toEqual([])
})

test('a sensor that is cut off is told of as lost', async () => {
  const status = []
  broker.subscribe('doors/+/status', ({ topic, payload }) => status.push([topic, Buffer.from(payload).toString()]))
  stream.cut()
  await broker.advance(10_000)
  expect(status).toEqual([['doors/back/status', 'lost']])
})
