/** Debian's mosquitto clients, each in a process of its own. @module */
import { execFile } from 'node:child_process'
import { URL } from 'node:url'

export interface Finished {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], input = ''): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, [...args], (error, out, err) => {
      if (error === null) resolve({ code: 0, out, err })
      else if (typeof error.code === 'number') resolve({ code: error.code, out, err })
      else reject(error)
    })
    // One that reads no input may be gone before it is written; its exit code is what counts.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

/** Where a listener is, as the clients' options want it. */
function placeOf(url: string): string[] {
  if (url.startsWith('unix:')) return ['--unix', url.slice('unix:'.length)]
  const { hostname, port } = new URL(url)
  return ['-h', hostname, '-p', port]
}

/** `mosquitto_pub`; it fails where the Server refuses the Connection or, from QoS 1 on, the message. */
export function publish(url: string, topicName: string, payload: string, ...options: string[]): Promise<Finished> {
  return run('mosquitto_pub', [...placeOf(url), '-t', topicName, '-m', payload, '-q', '1', ...options])
}

/** `mosquitto_sub` for one message, five seconds at most. */
export function receiveOne(url: string, topicFilter: string, ...options: string[]): Promise<Finished> {
  return run('mosquitto_sub', [...placeOf(url), '-t', topicFilter, '-q', '1', '-C', '1', '-W', '5', ...options])
}
