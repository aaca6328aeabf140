/**
 * What the flags of a tool mean: where to connect, as whom, and what to do there. Everything is checked before the
 * first byte is sent.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import { type Address, serverUrlOf, type TlsSettings } from '../../client/address.ts'
import type { ClientOptions } from '../../client/client-options.ts'
import { proxyOf } from '../../client/proxy.ts'
import type { ProtocolVersion, QoS } from '../../codec/packet-types.ts'
import { noProperties, type Properties } from '../../codec/properties.ts'
import type { Tool } from './flag-table.ts'
import type { Flags } from './flags.ts'
import { propertySetsOf, type PropertySets } from './property-flags.ts'

/** Where, as whom and how. */
export interface Settings {
  readonly tool: Tool
  readonly address: Address
  readonly options: Partial<ClientOptions>
  readonly version: ProtocolVersion
  readonly qos: QoS
  /** Of -t and -L, in their order. */
  readonly topics: readonly string[]
  readonly properties: PropertySets
  readonly isQuiet: boolean
  readonly isDebugging: boolean
}

const VERSIONS: Readonly<Record<string, ProtocolVersion>> = {
  mqttv31: 3,
  '31': 3,
  mqttv311: 4,
  '311': 4,
  mqttv5: 5,
  '5': 5,
}
const NEVER = 0xffff_ffff

/** @throws {UsageError} for values that are wrong or do not fit together */
export function settingsOf(flags: Flags): Settings {
  const version = versionOf(flags)
  const properties = propertySetsOf(flags.all('property'))
  if (version < 5 && Object.keys(properties).length > 0) throw new UsageError('-D requires -V mqttv5.')
  const url = urlOf(flags)
  const clientId = clientIdOf(flags, version)
  const cleanStart = !flags.has('disable-clean-session')
  if (!cleanStart && clientId === '') {
    throw new UsageError(
      '-c requires a client identifier: -i ID. Without one, the server could not find the session again.',
    )
  }
  const userName = flags.value('username') ?? url?.userName
  const password = flags.value('pw') ?? url?.password
  if (version < 5 && password !== undefined && userName === undefined) {
    throw new UsageError('-P requires a user name before MQTT 5.0: -u USER.')
  }
  const topics = flags.all('topic').map(([topic]) => topic!)
  return {
    tool: flags.tool,
    address: addressOf(flags, url?.address),
    options: {
      protocolVersion: version,
      clientId,
      cleanStart,
      keepAlive: integerOf(flags, 'keepalive', 5, 65_535, 60),
      userName,
      password: password === undefined ? undefined : Buffer.from(password),
      will: willOf(flags, properties.WILL),
      properties: version === 5 ? connectPropertiesOf(flags, properties.CONNECT, cleanStart) : noProperties,
    },
    version,
    qos: qosOf(flags, 'qos'),
    topics: url?.topic === undefined ? topics : [url.topic, ...topics],
    properties,
    isQuiet: flags.has('quiet'),
    isDebugging: flags.has('debug'),
  }
}

function versionOf(flags: Flags): ProtocolVersion {
  const written = flags.value('protocol-version')
  if (written === undefined) return flags.tool === 'rr' ? 5 : 4
  const version = VERSIONS[written]
  if (version === undefined) throw new UsageError(`-V must be mqttv5, mqttv311 or mqttv31, got ${written}.`)
  return version
}

interface TopicUrl {
  readonly address: Address
  readonly userName: string | undefined
  readonly password: string | undefined
  readonly topic: string | undefined
}

/** The path of `mqtt://` and `mqtts://` is a topic; that of a WebSocket belongs to its address. */
function urlOf(flags: Flags): TopicUrl | undefined {
  const text = flags.value('url')
  if (text === undefined) return undefined
  const { address, userName, password } = serverUrlOf(text)
  const isMqtt = address.transport === 'tcp' || address.transport === 'tls'
  const topic = isMqtt ? /^[^/]*:\/\/[^/]*\/(.+)$/.exec(text)?.[1] : undefined
  return { address, userName, password, topic: topic === undefined ? undefined : decodeURIComponent(topic) }
}

function addressOf(flags: Flags, url: Address | undefined): Address {
  const path = flags.value('unix')
  if (path !== undefined) return { transport: 'unix', host: '', port: 0, path }
  const tls = tlsOf(flags)
  const written = flags.has('port') ? integerOf(flags, 'port', 1, 65_535, 0) : undefined
  const usesTls = tls !== undefined || url?.transport === 'tls' || url?.transport === 'wss' || written === 8883
  const transport =
    url?.transport === 'ws' || url?.transport === 'wss' ? (usesTls ? 'wss' : 'ws') : usesTls ? 'tls' : 'tcp'
  return {
    ...url,
    transport,
    host: flags.value('host') ?? url?.host ?? 'localhost',
    port: written ?? url?.port ?? (usesTls ? 8883 : 1883),
    ...(flags.has('A') && { localAddress: flags.value('A')! }),
    ...(tls !== undefined && { tls }),
    ...(flags.has('proxy') && { proxy: proxyOf(flags.value('proxy')!) }),
  }
}

const TLS_VERSIONS = { 'tlsv1.3': 'TLSv1.3', 'tlsv1.2': 'TLSv1.2', 'tlsv1.1': 'TLSv1.1' } as const

/** @returns `undefined` if no flag asks for TLS */
function tlsOf(flags: Flags): TlsSettings | undefined {
  for (const name of ['tls-engine', 'tls-engine-kpass-sha1', 'S']) {
    if (flags.has(name)) throw new UsageError(`${name.length === 1 ? '-' : '--'}${name} is not supported.`)
  }
  const form = flags.value('keyform')
  if (form !== undefined && form !== 'pem') throw new UsageError(`--keyform must be pem, got ${form}.`)
  if (flags.has('cert') !== flags.has('key')) throw new UsageError('--cert and --key must be given together.')
  const psk = flags.value('psk')
  if (psk !== undefined && !flags.has('psk-identity')) throw new UsageError('--psk requires --psk-identity NAME.')
  if (psk === undefined && flags.has('psk-identity')) throw new UsageError('--psk-identity requires --psk HEX.')
  const asks = ['cafile', 'capath', 'tls-use-os-certs', 'psk', 'insecure', 'cert', 'tls-alpn', 'tls-version']
  if (!asks.some((name) => flags.has(name))) return undefined
  const version = flags.value('tls-version')
  if (version !== undefined && !(version in TLS_VERSIONS)) {
    throw new UsageError(`--tls-version must be tlsv1.3, tlsv1.2 or tlsv1.1, got ${version}.`)
  }
  return {
    ...(flags.has('cafile') && { ca: [file(flags.value('cafile')!, '--cafile')] }),
    ...(flags.has('capath') && { ca: certificatesIn(flags.value('capath')!) }),
    ...(flags.has('cert') && { cert: file(flags.value('cert')!, '--cert'), key: file(flags.value('key')!, '--key') }),
    ...(flags.has('ciphers') && { ciphers: flags.value('ciphers')! }),
    ...(flags.has('tls-alpn') && { alpn: [flags.value('tls-alpn')!] }),
    ...(version !== undefined && { version: TLS_VERSIONS[version as keyof typeof TLS_VERSIONS] }),
    ...(flags.has('insecure') && { acceptsAnyName: true }),
    ...(psk !== undefined && { psk: { identity: flags.value('psk-identity')!, key: hexOf(psk) } }),
  }
}

function hexOf(text: string): Uint8Array {
  if (!/^([\da-f]{2})+$/i.test(text)) throw new UsageError('--psk must be an even number of hexadecimal digits.')
  return Buffer.from(text, 'hex')
}

/** Reads a file that a flag names. */
export function file(path: string, flag: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UsageError(`${flag}: ${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function certificatesIn(folder: string): Buffer[] {
  try {
    const names = readdirSync(folder).filter((name) => /\.(?:pem|crt|\d+)$/.test(name))
    return names.map((name) => readFileSync(join(folder, name)))
  } catch (error) {
    throw new UsageError(`--capath: ${folder} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function clientIdOf(flags: Flags, version: ProtocolVersion): string {
  const id = flags.value('id')
  const prefix = flags.value('id-prefix')
  if (id !== undefined && prefix !== undefined) throw new UsageError('-i and -I cannot be used together.')
  if (id !== undefined) return id
  if (prefix !== undefined) return `${prefix}${process.pid}`
  // 3.1 has no empty identifier, and at most 23 characters.
  return version === 3 ? `sluice-${flags.tool}-${process.pid}` : ''
}

/** @throws {UsageError} for anything but 0, 1 and 2 */
export function qosOf(flags: Flags, name: string): QoS {
  return integerOf(flags, name, 0, 2, 0) as QoS
}

/** @throws {UsageError} beyond these limits */
export function integerOf(flags: Flags, name: string, minimum: number, maximum: number, absent: number): number {
  const text = flags.value(name)
  if (text === undefined) return absent
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || value < minimum || value > maximum) {
    const flag = name.length === 1 ? `-${name}` : `--${name}`
    throw new UsageError(`${flag} must be an integer from ${minimum} to ${maximum}, got ${text}.`)
  }
  return value
}

function willOf(flags: Flags, properties: Properties = noProperties): ClientOptions['will'] {
  const topicName = flags.value('will-topic')
  if (topicName === undefined) {
    const extra = ['will-payload', 'will-qos', 'will-retain'].find((name) => flags.has(name))
    if (extra !== undefined) throw new UsageError(`--${extra} requires --will-topic TOPIC.`)
    return undefined
  }
  const payload = Buffer.from(flags.value('will-payload') ?? '')
  return { topicName, payload, qos: qosOf(flags, 'will-qos'), retain: flags.has('will-retain'), properties }
}

function connectPropertiesOf(flags: Flags, given: Properties = noProperties, cleanStart: boolean): Properties {
  const text = flags.value('session-expiry-interval')
  if (text === undefined) {
    return cleanStart || given.sessionExpiryInterval !== undefined ? given : { ...given, sessionExpiryInterval: NEVER }
  }
  const isForEver = text === '-1' || text === '∞'
  const seconds = isForEver ? NEVER : integerOf(flags, 'session-expiry-interval', 0, NEVER, 0)
  return { ...given, sessionExpiryInterval: seconds }
}
