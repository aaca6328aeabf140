/**
 * Counts what one thing costs, turn by turn, while a bystander asks for a PINGRESP again and again. All in virtual
 * time: the figures are the same on any machine.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { SHARE_UNITS, TURN_UNITS } from '../../../../src/base/work.ts'
import { encodePacket } from '../../../../src/codec/encode.ts'
import { type Packet } from '../../../../src/codec/packets.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import type { VirtualBroker } from '../../../support/virtual-broker.ts'
import type { TestClient } from '../../../support/test-client.ts'

/** Work in a turn, a step beyond it, and what is packed, released and written at its end. */
export const MOST_TURN_WORK = TURN_UNITS + SHARE_UNITS + 2 * 50_000

/** Turns until a bystander has its answer. */
export const MOST_WAIT_TURNS = 2

const PINGREQ = encodePacket({ type: PacketType.PINGREQ }, 5)

export interface Measured {
  readonly mostTurnWork: number
  /** Turns until the bystander had its PINGRESP, at the most. */
  readonly longestWait: number
  /** How many turns it took. */
  readonly turns: number
  readonly work: number
}

/** Does `act`, whose input comes within one turn, and everything that follows from it. */
export function measure(broker: VirtualBroker, act: () => void): Measured {
  const bystander = broker.connect({ clientId: 'bystander' })
  const { metrics } = broker.broker
  const counted = metrics as { mostTurnWork: number }
  let [mostTurnWork, longestWait, turns, work] = [0, 0, 0, 0]
  let asked = 0
  act()
  while (broker.clock.isTurnOpen) {
    if (asked === 0) {
      bystander.sendBytesInTurn(PINGREQ)
      asked = 1
    } else asked++
    counted.mostTurnWork = 0
    broker.clock.runTurn()
    turns++
    work += metrics.mostTurnWork
    mostTurnWork = Math.max(mostTurnWork, metrics.mostTurnWork)
    if (bystander.take().length === 0) continue
    longestWait = Math.max(longestWait, asked)
    asked = 0
  }
  bystander.disconnect()
  return { mostTurnWork, longestWait, turns, work }
}

/** @param leastWork what it costs at least: a shape that costs little proves nothing */
export function assertShared(name: string, measured: Measured, leastWork = 2 * TURN_UNITS): void {
  const { mostTurnWork, longestWait, turns, work } = measured
  const figures = `${name}: ${work} units in ${turns} turns, ${mostTurnWork} at the most, a wait of ${longestWait} turns`
  assert.ok(work >= leastWork, `${figures}; the shape is too small`)
  assert.ok(mostTurnWork <= MOST_TURN_WORK, figures)
  assert.ok(longestWait <= MOST_WAIT_TURNS, figures)
}

/** Sends packets in one chunk, within a turn that goes on. */
export function sendInTurn(client: TestClient, ...packets: Packet[]): void {
  client.sendBytesInTurn(Buffer.concat(packets.map((packet) => encodePacket(packet, client.version))))
}
