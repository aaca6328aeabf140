/**
 * The table of a Connection's states, cell by cell: each state is brought about by bytes and answers, and then the
 * event happens in it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import type { ReceivedConnect } from '../../../src/codec/packets.ts'
import { PacketType, type PacketName } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { ConnectionLimits } from '../../../src/protocol/connection-limits.ts'
import { connectionTable, Event, State, type StateName } from '../../../src/protocol/connection-state.ts'
import { PENDING } from '../../../src/protocol/server-side.ts'
import { root } from '../../../tools/main.ts'
import { acceptanceOf, FakeServer, TestConnection } from '../../support/fake-server.ts'

/** Only the time that an event is about is short. */
const LONG = 1000
const PATIENT = { connectTimeout: LONG, loginTimeout: LONG, packetTimeout: LONG, drainTimeout: LONG }

interface Setting {
  readonly limits?: Partial<ConnectionLimits>
  readonly keepAlive?: number
  readonly loginExpiresAtMs?: number
  /** The network takes nothing. */
  readonly isFrozen?: boolean
}

/** A Connection between two events. */
class Subject {
  readonly server = new FakeServer()
  readonly one: TestConnection
  readonly #setting: Setting
  #connect: ReceivedConnect | undefined

  constructor(state: StateName, setting: Setting) {
    this.#setting = setting
    this.server.admission.connect = (_connection, packet) => (this.#connect = packet)
    this.one = new TestConnection(5, { ...PATIENT, ...setting.limits }, this.server)
    this.one.transport.isFrozen = setting.isFrozen === true
    this.#bring(state)
    this.one.take()
    assert.equal(this.one.connection.state, State[state])
  }

  #bring(state: StateName): void {
    const { one } = this
    const { connection } = one
    if (state === 'AwaitingConnect') return
    one.connect({ keepAlive: this.#setting.keepAlive ?? 0, properties: { authenticationMethod: 'm' } })
    if (state === 'Deciding') return
    if (state === 'AwaitingAuth') connection.challenge(undefined)
    else this.accept(state === 'Accepted')
    if (state === 'Answering') this.publishPending()
    else if (state === 'Closed') connection.disconnect(ReasonCode.ServerShuttingDown, 'server shutting down', '')
  }

  accept(isHeld: boolean): void {
    if (isHeld) this.server.turn.changeCount++
    const loginExpiresAtMs = this.#setting.loginExpiresAtMs
    const connect = this.#connect ?? ({ clientId: 'c', protocolVersion: 5, keepAlive: 0 } as ReceivedConnect)
    this.one.connection.accept({ ...acceptanceOf(connect, this.server.session), loginExpiresAtMs })
  }

  publishPending(): void {
    this.server.publishing.publish = () => PENDING
    this.one.publish(9, 1)
  }
}

const identified = { packetIdentifier: 1, properties: noProperties }
const connect = { cleanStart: true, keepAlive: 0, clientId: 'c', properties: noProperties }
const acknowledgement = { ...identified, reasonCode: 0 }
const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
const message = { dup: false, qos: 0, retain: false, topicName: 'a', payload: new Uint8Array() } as const

/** One good packet of each type. */
const packets: Readonly<Record<PacketName, Uint8Array>> = {
  CONNECT: encodePacket({ type: PacketType.CONNECT, protocolVersion: 5, ...connect }, 5),
  CONNACK: Buffer.from('2003000000', 'hex'),
  PUBLISH: encodePacket({ type: PacketType.PUBLISH, ...identified, ...message }, 5),
  PUBACK: encodePacket({ type: PacketType.PUBACK, ...acknowledgement }, 5),
  PUBREC: encodePacket({ type: PacketType.PUBREC, ...acknowledgement }, 5),
  PUBREL: encodePacket({ type: PacketType.PUBREL, ...acknowledgement }, 5),
  PUBCOMP: encodePacket({ type: PacketType.PUBCOMP, ...acknowledgement }, 5),
  SUBSCRIBE: encodePacket(
    { type: PacketType.SUBSCRIBE, ...identified, subscriptions: [{ topicFilter: 'a', ...options }] },
    5,
  ),
  SUBACK: Buffer.from('900400010000', 'hex'),
  UNSUBSCRIBE: encodePacket({ type: PacketType.UNSUBSCRIBE, ...identified, topicFilters: ['a'] }, 5),
  UNSUBACK: Buffer.from('b00400010000', 'hex'),
  PINGREQ: encodePacket({ type: PacketType.PINGREQ }, 5),
  PINGRESP: Buffer.from('d000', 'hex'),
  DISCONNECT: encodePacket({ type: PacketType.DISCONNECT, reasonCode: 0, properties: noProperties }, 5),
  AUTH: encodePacket(
    { type: PacketType.AUTH, reasonCode: ReasonCode.ContinueAuthentication, properties: { authenticationMethod: 'm' } },
    5,
  ),
}

interface Happening {
  readonly setting?: Setting
  readonly happens: (subject: Subject) => void
}

const happenings: Readonly<Record<keyof typeof Event, Happening>> = {
  accept: { happens: (subject) => subject.accept(true) },
  challenge: { happens: ({ one }) => one.connection.challenge(undefined) },
  refuse: { happens: ({ one }) => one.connection.refuse(ReasonCode.NotAuthorized, 'no') },
  reAuthenticated: { happens: ({ one }) => one.connection.reAuthenticated(undefined, undefined) },
  pending: {
    // Where no packet is taken there is nothing to answer later.
    happens: (subject) => subject.one.connection.state === State.Connected && subject.publishPending(),
  },
  answered: { happens: ({ one }) => one.connection.publishAnswered(0) },
  connackLeft: {
    happens: ({ one, server }) => {
      server.turn.committedCount = server.turn.changeCount
      one.connection.release(server.turn.changeCount)
    },
  },
  disconnect: { happens: ({ one }) => one.connection.disconnect(ReasonCode.NotAuthorized, 'login revoked', '') },
  giveWay: { happens: ({ one }) => one.connection.giveWay() },
  failed: {
    happens: ({ one }) =>
      one.connection.guard(() => {
        throw new Error('our own mistake')
      }),
  },
  lost: { happens: ({ one }) => one.connection.lost() },
  connectTimeout: { setting: { limits: { connectTimeout: 5 } }, happens: ({ one }) => one.at(5000) },
  loginTimeout: { setting: { limits: { loginTimeout: 5 } }, happens: ({ one }) => one.at(5000) },
  loginExpiry: { setting: { loginExpiresAtMs: 5000 }, happens: ({ one }) => one.at(5000) },
  keepAliveTimeout: { setting: { keepAlive: 2 }, happens: ({ one }) => one.at(3000) },
  packetTimeout: {
    setting: { limits: { packetTimeout: 5, minPacketRate: 1000 } },
    happens: ({ one }) => {
      // The beginning of a packet that may come where it does.
      one.sendBytes(Uint8Array.of(one.connection.state === State.AwaitingConnect ? 0x10 : 0xf0))
      one.at(6000)
    },
  },
  drainTimeout: { setting: { limits: { drainTimeout: 5 }, isFrozen: true }, happens: ({ one }) => one.at(5000) },
}

const stateNames = Object.keys(State) as StateName[]

for (const [name, row] of Object.entries(connectionTable)) {
  for (const [at, cell] of row.entries()) {
    const state = stateNames[at]!
    const what =
      typeof cell === 'string' ? cell : `a Protocol Error ${cell.statements.map((one) => `[${one}]`).join(' ')}`
    test(`${name} while ${state}: ${what}`.trim(), () => {
      const happening = happenings[name as keyof typeof Event] as Happening | undefined
      const subject = new Subject(state, happening?.setting ?? {})
      const { one, server } = subject
      const before = server.calls.length
      if (happening === undefined) one.sendBytes(packets[name as PacketName])
      else happening.happens(subject)
      const { connection } = one
      if (typeof cell !== 'string') {
        assert.equal(connection.state, State.Closed)
        // Behind CONNECT it reads the code in CONNACK.
        assert.equal(server.end?.cause, state === 'AwaitingAuth' ? 'refused' : 'protocol error')
        assert.equal(server.end.reasonCode, ReasonCode.ProtocolError)
        return
      }
      const next = cell === 'stays' || cell === 'waits' || cell === 'ignored' ? state : cell
      assert.equal(stateNames[connection.state], next)
      if (cell === 'waits') assert.ok(one.transport.isPaused, 'it is not read')
      if (cell === 'waits' || cell === 'ignored') {
        const since = server.calls.slice(before).filter((word) => word !== 'gone' && !word.startsWith('failed'))
        assert.deepEqual(since, [], 'nobody is asked or told anything')
        assert.equal(one.transport.takeBytes().length, 0, 'nothing is answered')
      } else if (next === 'Closed') {
        assert.equal(server.calls.filter((word) => word === 'closed').length, 1, 'the end is told once')
        assert.notEqual(server.end?.cause, 'protocol error')
      }
    })
  }
}

test('each statement of the table is one of the standard', () => {
  const files = { '5.0': 'mqtt-5.0', '3.1.1': 'mqtt-3.1.1' }
  const known = new Set<string>()
  for (const [version, file] of Object.entries(files)) {
    const rows = readFileSync(`${root}/test/spec/ledger/${file}.csv`, 'utf8').split('\n')
    for (const row of rows) known.add(`${version} ${row.split(',')[0]}`)
  }
  const cells = Object.values(connectionTable).flat()
  const statements = cells.flatMap((cell) => (typeof cell === 'string' ? [] : cell.statements))
  assert.ok(statements.length > 0)
  assert.deepEqual(
    statements.filter((statement) => !known.has(statement)),
    [],
  )
})
