/**
 * A process with very many clients that connect over sockets and then only stay: `node socket-crowd.js PORT COUNT`
 * writes a line when all have logged in, and ends with its standard input.
 *
 * @module
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { bytesOf, connectPacket } from '../hostile/packets.ts'

/** More at once would overflow the line of connections that wait to be accepted. */
const AT_ONCE = 200

async function logIn(port: number, clientId: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytesOf(connectPacket(clientId, { keepAlive: 0 })))
  await once(socket, 'data')
}

const [port, count] = process.argv.slice(2).map(Number) as [number, number]
for (let from = 0; from < count; from += AT_ONCE) {
  const batch = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => `socket-${from + at}`)
  await Promise.all(batch.map((clientId) => logIn(port, clientId)))
}
console.log('ready')
process.stdin.on('end', () => process.exit(0)).resume()
