import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import eventLogger from '../../../src/plugins/event-logger.ts'
import packetLogger from '../../../src/plugins/packet-logger.ts'
import { safeLog } from '../../../src/base/safe-log.ts'
import { CapturedLog, contextOf, ManualClock, ManualEvents } from './support.ts'

const setUp = () => {
  const log = new CapturedLog()
  const events = new ManualEvents(['clientConnected', 'published', 'packetReceived', 'packetSent'])
  return { log, events, context: contextOf({}, { log, events }) }
}

test('event_logger_plugin: one line at info for every event, payloads counted, nothing secret', async () => {
  const { log, events, context } = setUp()
  const plugin = eventLogger(context)
  events.emit('clientConnected', { clientId: 'c1', userName: undefined, cause: 'a b', client: { address: '::1' } })
  events.emit('published', { topicName: 'a/b', payload: Buffer.from('hunter2'), password: Buffer.from('hunter2') })
  assert.deepEqual(log.lines, [
    'info clientConnected clientId=c1 cause="a b" client={address=::1} {"event":"clientConnected"}',
    'info published topicName=a/b payload=7 bytes {"event":"published"}',
  ])
  await plugin.close?.()
  assert.equal(events.listenerCount('published'), 0)
})

test('both loggers: a token that a Client sent as its User Name shows nowhere', () => {
  const { log, events, context } = setUp()
  eventLogger(context)
  packetLogger(context)
  const userName = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciJ9.c2lnbmF0dXJl'
  events.emit('clientConnected', { userName })
  events.emit('packetReceived', { clientId: 'c1', packet: { type: PacketType.CONNECT, userName } })
  assert.match(log.lines[0]!, /userName=\(token\)/)
  assert.doesNotMatch(log.lines.join(), /eyJ|c2ln/)
})

test('event_logger_plugin: refusals that one address repeats are summed up, whatever else is in them', () => {
  const log = new CapturedLog()
  const events = new ManualEvents(['clientRefused', 'publishRefused'])
  const clock = new ManualClock()
  eventLogger(contextOf({}, { log: safeLog(log, clock), events }))
  const client = { address: '::1', userName: 'ann' }
  for (let at = 0; at < 3; at++) {
    events.emit('clientRefused', { clientId: `c${at}`, address: '::1', reasonCode: 0x87 })
    events.emit('publishRefused', { client, topicName: `t/${at}`, reasonCode: 0x87 })
  }
  events.emit('clientRefused', { clientId: 'c', address: '::2', reasonCode: 0x87 })
  clock.advance(10_000)
  assert.deepEqual(
    log.lines.map((line) => line.slice(0, line.indexOf(' {"'))),
    [
      'info clientRefused clientId=c0 address=::1 reasonCode=135',
      'info publishRefused client={address=::1 userName=ann} topicName=t/0 reasonCode=135',
      'info clientRefused clientId=c address=::2 reasonCode=135',
      'info 2 more like this in the last 10 s: clientRefused clientId=c0 address=::1 reasonCode=135',
      'info 2 more like this in the last 10 s: publishRefused client={address=::1 userName=ann} topicName=t/0 reasonCode=135',
    ],
  )
})

test('event_logger_plugin: packets are not its business, so that the broker need not tell them', () => {
  const { events, context } = setUp()
  eventLogger(context)
  assert.equal(events.listenerCount('packetReceived'), 0)
})

test('packet_logger_plugin: one line at debug for each packet in and out, without secrets', async () => {
  const { log, events, context } = setUp()
  const plugin = packetLogger(context)
  events.emit('packetReceived', {
    clientId: 'c1',
    packet: {
      type: PacketType.CONNECT,
      keepAlive: 60,
      password: Buffer.from('hunter2'),
      properties: { authenticationData: Buffer.from('hunter2') },
    },
  })
  events.emit('packetSent', { clientId: 'c1', packet: { type: PacketType.PINGRESP } })
  assert.deepEqual(log.lines, [
    'debug c1 -> CONNECT keepAlive=60 properties={} {"clientId":"c1"}',
    'debug c1 <- PINGRESP {"clientId":"c1"}',
  ])
  await plugin.close?.()
  assert.equal(events.listenerCount('packetSent'), 0)
})

test('both loggers start where there are no events, as in sluice check', () => {
  assert.equal(eventLogger(contextOf({})).name, 'event_logger_plugin')
  assert.equal(packetLogger(contextOf({})).name, 'packet_logger_plugin')
})
