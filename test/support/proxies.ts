/** A SOCKS 5 proxy and an HTTP proxy for tests: written from the RFCs, and used by foreign clients as well. @module */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A running proxy. */
export interface TestProxy extends AsyncDisposable {
  readonly port: number
  /** Where clients have asked to be connected to, such as `localhost:1883`. */
  readonly targets: string[]
}

/** A login that is required; none without it. */
type Login = readonly [userName: string, password: string] | undefined

async function start(serve: (socket: Socket, targets: string[]) => Promise<void>): Promise<TestProxy> {
  const targets: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    void serve(socket, targets).catch(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    targets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The bytes of a client, in pieces of any size. */
function reader(socket: Socket): (size: number) => Promise<Buffer> {
  return async (size) => {
    for (;;) {
      const bytes = socket.read(size) as Buffer | null
      if (bytes !== null) return bytes
      await once(socket, 'readable')
    }
  }
}

async function join(socket: Socket, host: string, port: number, answer: string | Uint8Array): Promise<void> {
  const far = connect(port, host)
  far.on('error', () => socket.destroy())
  await once(far, 'connect')
  socket.write(answer)
  socket.pipe(far).pipe(socket)
}

/** @param login is required of every client */
export function startSocks(login?: Login): Promise<TestProxy> {
  return start(async (socket, targets) => {
    const read = reader(socket)
    const [, count] = await read(2)
    const methods = await read(count!)
    if (login !== undefined) {
      if (!methods.includes(2)) return void socket.end(Uint8Array.of(5, 0xff))
      socket.write(Uint8Array.of(5, 2))
      const [, length] = await read(2)
      const userName = (await read(length!)).toString()
      const password = (await read((await read(1))[0]!)).toString()
      const isRight = userName === login[0] && password === login[1]
      socket.write(Uint8Array.of(1, isRight ? 0 : 1))
      if (!isRight) return void socket.end()
    } else socket.write(Uint8Array.of(5, 0))
    await read(4)
    const host = (await read((await read(1))[0]!)).toString()
    const port = (await read(2)).readUInt16BE()
    targets.push(`${host}:${port}`)
    if (host === 'refused.example') return void socket.end(Uint8Array.of(5, 2, 0, 1, 0, 0, 0, 0, 0, 0))
    await join(socket, host, port, Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0))
  })
}

/** @param login is required of every client */
export function startHttpProxy(login?: Login): Promise<TestProxy> {
  return start(async (socket, targets) => {
    const read = reader(socket)
    let head = ''
    while (!head.endsWith('\r\n\r\n')) head += (await read(1)).toString('latin1')
    const [, host, port] = /^CONNECT (.+):(\d+) HTTP\/1\.1\r\n/.exec(head)!
    targets.push(`${host}:${port}`)
    const wanted = login && `Basic ${Buffer.from(login.join(':')).toString('base64')}`
    if (wanted !== undefined && !head.includes(`Proxy-Authorization: ${wanted}\r\n`)) {
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    }
    await join(socket, host!, Number(port), 'HTTP/1.1 200 Connected\r\n\r\n')
  })
}
