/** The section `bridges`: connections of this broker to others. @module */
import { show } from '../base/show.ts'
import { proxyOf } from '../client/proxy.ts'
import { serverUrlOf, type ServerUrl } from '../client/address.ts'
import { overlaps } from '../topics/containment.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import type { ConfigProblems } from './config-problems.ts'
import { defaultsOf, isSection, type OptionReader, type Values } from './option-reader.ts'
import { toKebab } from './option-spelling.ts'
import type { BridgeRule } from './option-values.ts'
import type { BridgeOptions } from './resolved-options.ts'

/** Of 5.0, whose servers say what they take. */
const WINDOW = 1000
const WINDOW_BEFORE_5 = 20
/** A name becomes a level of topics and part of a client identifier. */
const NAME = /^[\w.-]{1,64}$/

/** Reads the section. @param maxPacketSize of the broker */
export function resolveBridges(
  section: unknown,
  maxPacketSize: number,
  reader: OptionReader,
  problems: ConfigProblems,
): BridgeOptions[] {
  if (!isSection(section)) return []
  const bridges = Object.entries(section).map(([name, own]) =>
    resolveBridge(name, own, maxPacketSize, reader, problems),
  )
  checkClientIds(bridges, problems)
  return bridges
}

function resolveBridge(
  name: string,
  own: unknown,
  maxPacketSize: number,
  reader: OptionReader,
  problems: ConfigProblems,
): BridgeOptions {
  const path = ['bridges', name]
  const read = reader.read('bridge', own, path)
  if (!NAME.test(name)) problems.add(path, 'must have a name of up to 64 letters, digits, dots, hyphens and _', 'key')
  const bridge = {
    ...defaultsOf('bridge'),
    queue: defaultsOf('bridge.queue'),
    maxInflightMessages: read['protocol'] === '3.1.1' || read['protocol'] === '3.1' ? WINDOW_BEFORE_5 : WINDOW,
    maxPacketSize,
    ...read,
    name,
  } as Values as unknown as BridgeOptions
  for (const key of ['url', 'clientId'] as const) {
    if (bridge[key] === undefined && isSection(own) && !problems.has([...path, toKebab(key)].join('.')))
      problems.add(path, `requires \`${toKebab(key)}\``, 'key')
  }
  for (const [index, url] of (bridge.url ?? []).entries()) checkUrl(url, [...path, 'url', String(index)], problems)
  checkLogin(bridge, path, problems)
  checkRules(bridge, path, problems)
  if (bridge.maxPacketSize > maxPacketSize) {
    problems.add([...path, 'max-packet-size'], `must not exceed \`max-packet-size\` of the broker, ${maxPacketSize}`)
  }
  return bridge
}

/** Credentials in a URL would appear wherever it is shown. */
function checkUrl(url: string, path: readonly string[], problems: ConfigProblems): void {
  try {
    const { userName, password }: ServerUrl = serverUrlOf(url)
    if (userName === undefined && password === undefined) return
    problems.add(path, 'must not contain a user name or password; use `user-name` and `password-file`')
  } catch (error) {
    problems.add(path, `is not valid: ${(error as Error).message}`)
  }
}

function checkLogin(bridge: BridgeOptions, path: readonly string[], problems: ConfigProblems): void {
  const { certfile, keyfile, userName, passwordFile, protocol, proxy, clientId } = bridge
  if ((certfile === undefined) !== (keyfile === undefined)) {
    const [given, missing] = certfile === undefined ? ['keyfile', 'certfile'] : ['certfile', 'keyfile']
    problems.add([...path, given], `requires \`${missing}\` as well`, 'key')
  }
  if (passwordFile !== undefined && userName === undefined && protocol !== '5.0') {
    problems.add([...path, 'password-file'], 'requires `user-name` before 5.0', 'key')
  }
  if (clientId === '') problems.add([...path, 'client-id'], 'must not be empty')
  if (proxy === undefined) return
  try {
    proxyOf(proxy)
  } catch (error) {
    problems.add([...path, 'proxy'], `is not valid: ${(error as Error).message}`)
  }
}

function checkRules(bridge: BridgeOptions, path: readonly string[], problems: ConfigProblems): void {
  const { out, in: incoming } = bridge
  if (out.length + incoming.length === 0) problems.warn(path, 'exchanges nothing: it has neither `out` nor `in`')
  for (const direction of ['out', 'in'] as const) {
    for (const [index, { localPrefix = '', remotePrefix = '' }] of bridge[direction].entries()) {
      for (const prefix of [localPrefix, remotePrefix]) {
        const problem = prefix === '' ? undefined : topicNameProblem(prefix)
        if (problem !== undefined)
          problems.add(
            [...path, direction, String(index)],
            `has a prefix ${show(prefix)} that is not valid: ${problem}`,
          )
      }
    }
  }
  if (bridge.protocol === '5.0' || bridge.bridgeBit) return
  for (const rule of out) {
    const back = incoming.find((other) => overlaps(remoteFilter(rule), remoteFilter(other)))
    if (back === undefined) continue
    const [sent, got] = [show(remoteFilter(rule)), show(remoteFilter(back))]
    problems.warn(path, `gets its own messages back: \`out\` sends ${sent}, \`in\` subscribes to ${got}`)
  }
}

function remoteFilter({ filter, remotePrefix = '' }: BridgeRule): string {
  return remotePrefix + filter
}

/** Two bridges with one client identifier would disconnect each other for ever, if they reach the same broker. */
function checkClientIds(bridges: readonly BridgeOptions[], problems: ConfigProblems): void {
  for (const [index, { name, clientId, url = [] }] of bridges.entries()) {
    const other = bridges
      .slice(0, index)
      .find((earlier) => earlier.clientId === clientId && (earlier.url ?? []).some((each) => url.includes(each)))
    if (other !== undefined)
      problems.add(['bridges', name, 'client-id'], `is the one of \`bridges.${other.name}\`, at the same broker`)
  }
}
