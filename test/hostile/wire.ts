/** A byte stream to the broker through any of its doors, from any address of this machine. @module */
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { createWebSocketStream, WebSocket } from 'ws'

export const DOORS = ['tcp', 'tls', 'ws'] as const
export type Door = (typeof DOORS)[number]
/** The port of each door. */
export type Ports = Readonly<Record<Door, number>>

const HOST = '127.0.0.1'

/** @param from the address that it comes from: any of 127.0.0.0/8 */
export function dial(door: Door, ports: Ports, from: string): Duplex {
  const port = ports[door]
  if (door === 'tcp') return connectTcp({ host: HOST, port, localAddress: from, noDelay: true })
  // The certificate is its own authority, and not what is tried here.
  if (door === 'tls')
    return connectTls({
      socket: connectTcp({ host: HOST, port, localAddress: from, noDelay: true }),
      rejectUnauthorized: false,
    })
  const socket = new WebSocket(`ws://${HOST}:${port}/`, ['mqtt'], { localAddress: from, perMessageDeflate: false })
  return createWebSocketStream(socket)
}
