/** An aedes broker as a process of its own: `node aedes.js PORT PACKAGE`. Ends with its parent. @module */
import { createServer, type Socket } from 'node:net'
import { UsageError } from '../../src/base/errors.ts'

interface AedesModule {
  readonly Aedes: { createBroker(): Promise<{ handle(socket: Socket): void }> }
}

const [port, packageName] = process.argv.slice(2)
if (packageName === undefined) throw new UsageError('usage: aedes.js PORT PACKAGE')
process.once('disconnect', () => process.exit())
const { Aedes } = (await import(packageName)) as AedesModule
const broker = await Aedes.createBroker()
createServer((socket) => broker.handle(socket)).listen(Number(port), '127.0.0.1')
