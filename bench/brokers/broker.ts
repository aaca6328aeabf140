/** The peers that a row can be run against, each a child process on a port of its own. @module */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Target } from '../../src/bench/driver/raw-connection.ts'
import { ownBrokers, running, type BrokerKind } from '../../src/bench/own-broker.ts'
import { freePort, makeFolder, startChild } from '../../src/bench/process.ts'

const HOST = '127.0.0.1'

/** Our broker as users have it: the bundle that `npm run build` makes. */
export const { sluice, sluiceOnDisk } = ownBrokers(fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url)))

function versionIn(packageFile: string): string {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  return version
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/**
 * Without its limits, which would drop messages.
 *
 * @param folder where it keeps what it stores now and then, if it does
 */
function mosquittoConfig(port: number, folder: string | undefined): string {
  return [
    `listener ${port} ${HOST}`,
    'allow_anonymous true',
    ...(folder === undefined ? ['persistence false'] : ['persistence true', `persistence_location ${folder}/`]),
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'log_dest stderr',
    'log_type error',
    '',
  ].join('\n')
}

export function mosquitto(command: string, stores = false): BrokerKind {
  const help = spawnSync(command, ['-h'], { encoding: 'utf8', timeout: 5000 })
  return {
    name: stores ? 'mosquitto, persistence true' : 'mosquitto',
    stores,
    version: /version (\S+)/.exec(help.stdout)?.[1] ?? 'unknown',
    async start() {
      const folder = makeFolder()
      const target: Target = { transport: 'tcp', host: HOST, port: await freePort() }
      const file = join(folder, 'mosquitto.conf')
      await writeFile(file, mosquittoConfig(target.port, stores ? folder : undefined))
      return running(startChild(command, ['-c', file]), target, folder)
    },
  }
}

/** See flashmq.conf(5). Its limits for what waits are those of 16-bit Packet Identifiers. */
function flashmqConfig(port: number, folder: string): string {
  return [
    'allow_anonymous true',
    'max_qos_msg_pending_per_client 65535',
    'max_qos_bytes_pending_per_client 1000000000',
    `log_file ${join(folder, 'flashmq.log')}`,
    'listen {',
    '  protocol mqtt',
    '  inet_protocol ip4',
    `  inet4_bind_address ${HOST}`,
    `  port ${port}`,
    '}',
    '',
  ].join('\n')
}

/** @param command the program that the variable FLASHMQ names: no distribution has a package of it */
function flashmq(command: string): BrokerKind {
  const version = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 5000 })
  return {
    name: 'flashmq',
    version: /version (\S+)/i.exec(version.stdout)?.[1] ?? 'unknown',
    async start() {
      const folder = makeFolder()
      const target: Target = { transport: 'tcp', host: HOST, port: await freePort() }
      const file = join(folder, 'flashmq.conf')
      await writeFile(file, flashmqConfig(target.port, folder))
      return running(startChild(command, ['--config-file', file]), target, folder)
    },
  }
}

/** A broker that is a small script of ours, given its port. */
function scripted(name: string, version: string, file: string, ...options: string[]): BrokerKind {
  return {
    name,
    version,
    async start() {
      const target: Target = { transport: 'tcp', host: HOST, port: await freePort() }
      const child = startChild(process.execPath, [script(file), String(target.port), ...options], {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      })
      return running(child, target)
    },
  }
}

/** What the guard compares with: see relay.ts. */
export const relay: BrokerKind = scripted('relay', '1', './relay.js')

/** Where a program is: on the path, or where daemons are on Debian. */
function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The version of an installed package; `undefined` where it is not installed. */
function installedVersion(packageName: string): string | undefined {
  try {
    return versionIn(fileURLToPath(new URL('package.json', import.meta.resolve(packageName))))
  } catch {
    return undefined
  }
}

function installedAedes(packageName: string): BrokerKind[] {
  const version = installedVersion(packageName)
  return version === undefined ? [] : [scripted(packageName, version, './aedes.js', packageName)]
}

/**
 * The peers that are present: Mosquitto, FlashMQ if the variable FLASHMQ names its program, aedes 1.x, and another
 * aedes installed under the name `aedes-next`.
 */
export function presentPeers(): BrokerKind[] {
  const command = findProgram('mosquitto')
  const flashmqCommand = process.env['FLASHMQ']
  return [
    ...(command === undefined ? [] : [mosquitto(command), mosquitto(command, true)]),
    ...(flashmqCommand === undefined ? [] : [flashmq(flashmqCommand)]),
    ...installedAedes('aedes'),
    ...installedAedes('aedes-next'),
  ]
}
