/** What a bridge needs to connect, read from its options and the files that they name. @module */
import { readFile } from 'node:fs/promises'
import { ConfigError } from '../base/errors.ts'
import { type Address, serverUrlOf } from '../client/address.ts'
import type { ClientOptions } from '../client/client-options.ts'
import { proxyOf } from '../client/proxy.ts'
import { linesOf, readText } from '../config/text-file.ts'
import type { BridgeOptions } from '../config/resolved-options.ts'
import type { ProtocolVersion } from '../codec/packet-types.ts'
import { noProperties } from '../codec/properties.ts'

const VERSIONS: Readonly<Record<BridgeOptions['protocol'], ProtocolVersion>> = { '5.0': 5, '3.1.1': 4, '3.1': 3 }
const FIRST_DELAY_MS = 1000

export interface BridgeSettings {
  readonly options: BridgeOptions
  readonly addresses: readonly Address[]
  readonly client: Partial<ClientOptions>
}

/** @throws {ConfigError} `ERR_CONFIG_FILE` that names a file which cannot be read */
export async function readBridgeSettings(options: BridgeOptions): Promise<BridgeSettings> {
  const { userName, passwordFile } = options
  const password = passwordFile === undefined ? undefined : await readPassword(passwordFile, options.name)
  const addresses = await readAddresses(options)
  return { options, addresses, client: clientOptionsFor(options, userName, password) }
}

function clientOptionsFor(
  options: BridgeOptions,
  userName: string | undefined,
  password: Uint8Array | undefined,
): Partial<ClientOptions> {
  const protocolVersion = VERSIONS[options.protocol]
  const { maxInflightMessages: receiveMaximum, sessionExpiry: sessionExpiryInterval } = options
  return {
    protocolVersion,
    bridge: options.bridgeBit,
    clientId: options.clientId,
    cleanStart: false,
    keepAlive: options.keepAlive,
    userName,
    password,
    properties: protocolVersion < 5 ? noProperties : { sessionExpiryInterval, receiveMaximum },
    maximumPacketSize: options.maxPacketSize,
    connectTimeoutMs: options.connectTimeout * 1000,
    backOff: { firstMs: FIRST_DELAY_MS, longestMs: options.maxReconnectDelay * 1000 },
    addresses: options.url.length,
    prefersFirst: options.addresses === 'in-order',
  }
}

async function readPassword(path: string, name: string): Promise<Uint8Array> {
  const [password = ''] = linesOf(await read(path, name, 'password-file'))
  return Buffer.from(password)
}

async function readAddresses({ name, url, certfile, keyfile, cafile, alpn, headers, proxy }: BridgeOptions) {
  const pem = async (path: string | undefined, key: string): Promise<string | undefined> =>
    path === undefined ? undefined : read(path, name, key)
  const [cert, key, ca] = [await pem(certfile, 'certfile'), await pem(keyfile, 'keyfile'), await pem(cafile, 'cafile')]
  const tls = {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca: [ca] }),
    ...(alpn !== undefined && { alpn: [alpn] }),
  }
  return url.map((each): Address => {
    const { address } = serverUrlOf(each)
    return { ...address, tls, headers, ...(proxy !== undefined && { proxy: proxyOf(proxy) }) }
  })
}

async function read(path: string, name: string, key: string): Promise<string> {
  try {
    return key === 'password-file' ? await readText(path) : (await readFile(path)).toString('latin1')
  } catch (error) {
    const message = `bridges.${name}.${key}: cannot read ${path}: ${(error as Error).message}`
    throw new ConfigError('ERR_CONFIG_FILE', message, { cause: error })
  }
}
