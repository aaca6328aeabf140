/**
 * The flags of `sluice pub`, `sub` and `rr`: those of mosquitto_pub, mosquitto_sub and mosquitto_rr 2.0, so that
 * scripts go on working, and a few more. Parser, help, manual and the comparison with Mosquitto's tools read this
 * table.
 *
 * @module
 */

/** The three tools. */
export type Tool = 'pub' | 'sub' | 'rr'

/** One flag. */
export interface FlagRow {
  /** Without dashes; absent if there is none. */
  readonly short?: string
  readonly long?: string
  /** Names of the values that follow it; empty for a switch. */
  readonly values: readonly string[]
  readonly tools: readonly Tool[]
  readonly description: string
  /** False for a flag that Mosquitto's tools do not have. */
  readonly isMosquittos: boolean
}

const ALL: readonly Tool[] = ['pub', 'sub', 'rr']
const PUB: readonly Tool[] = ['pub']
const SUB: readonly Tool[] = ['sub']
const SENDS: readonly Tool[] = ['pub', 'rr']
const RECEIVES: readonly Tool[] = ['sub', 'rr']

function row(names: string, values: string, tools: readonly Tool[], description: string, own = false): FlagRow {
  const parts = names.split(' ')
  const short = parts.find((name) => /^-[^-]/.test(name))?.slice(1)
  const long = parts.find((name) => name.startsWith('--'))?.slice(2)
  const list = values === '' ? [] : values.split(' ')
  return {
    ...(short !== undefined && { short }),
    ...(long !== undefined && { long }),
    values: list,
    tools,
    description,
    isMosquittos: !own,
  }
}

/** Every flag, in the order of the help. */
export const flagTable: readonly FlagRow[] = [
  row('-h --host', 'HOST', ALL, 'the server; default localhost'),
  row('-p --port', 'PORT', ALL, 'default 1883, or 8883 with TLS'),
  row(
    '-L --url',
    'URL',
    ALL,
    'mqtt(s)://[user[:password]@]host[:port]/topic; also ws:// and wss://, with the topic in -t',
  ),
  row('--unix', 'PATH', ALL, 'connects through a Unix socket'),
  row('--context', 'NAME', ALL, 'a saved connection (see `sluice context`); other options override its own', true),
  row('-A', 'ADDRESS', ALL, 'the address of this machine to connect from'),
  row('-u --username', 'USER', ALL, 'the user name'),
  row('-P --pw', 'PASSWORD', ALL, 'the password'),
  row('-i --id', 'ID', ALL, 'the client identifier; default: the server assigns one'),
  row('-I --id-prefix', 'PREFIX', ALL, 'a client identifier of this prefix and the process id'),
  row('-V --protocol-version', 'VERSION', ALL, 'mqttv5, mqttv311 (default; mqttv5 for rr) or mqttv31; also 5, 311, 31'),
  row('-k --keepalive', 'SECONDS', ALL, 'the Keep Alive, 5 to 65535; default 60'),
  row('-c --disable-clean-session', '', ALL, 'continues the session of this client identifier, and keeps it'),
  row('-x --session-expiry-interval', 'SECONDS', ALL, 'how long the session is kept (5.0); -1 or ∞ for ever'),
  row('-q --qos', 'QOS', ALL, '0 (default), 1 or 2'),
  row('-t --topic', 'TOPIC', ALL, 'the topic; for sub a topic filter, any number of times'),
  row('-e', 'TOPIC', ['rr'], 'the topic of the response'),
  row('-m --message', 'TEXT', SENDS, 'the message'),
  row('-f --file', 'FILE', SENDS, 'the message is the content of that file'),
  row('-s --stdin-file', '', SENDS, 'the message is all of standard input'),
  row('-l --stdin-line', '', PUB, 'each line of standard input is a message'),
  row('-n --null-message', '', SENDS, 'an empty message'),
  row('-r --retain', '', SENDS, 'the message is retained'),
  row('--repeat', 'COUNT', PUB, 'publishes the message that often; with -f, -m, -n and -s'),
  row('--repeat-delay', 'SECONDS', PUB, 'the time between; default 0'),
  row('-M --max-inflight', 'COUNT', PUB, 'messages of QoS 1 and 2 that wait for their answer; default 20'),
  row('-C', 'COUNT', SUB, 'ends after that many messages'),
  row('-W', 'SECONDS', RECEIVES, 'ends after that time, with exit code 27'),
  row('-E', '', SUB, 'ends once the subscriptions are granted'),
  row('-U --unsubscribe', 'TOPIC', SUB, 'unsubscribes; any number of times'),
  row('-T --filter-out', 'TOPIC', SUB, 'does not print messages that match; any number of times'),
  row('-R', '', RECEIVES, 'does not print retained messages'),
  row('--retained-only', '', SUB, 'prints retained messages, and ends with the first other one'),
  row('--remove-retained', '', SUB, 'removes the retained messages that arrive, except for those of -T'),
  row('--retain-as-published', '', SUB, 'keeps RETAIN as it was published (5.0)'),
  row('--retain-handling', 'WHEN', SUB, 'retained messages: always (default), new or never (5.0)', true),
  row('--no-local', '', SUB, 'no messages of this client itself (5.0)', true),
  row('--random-filter', 'PERCENT', SUB, 'prints that share of the messages, by chance'),
  row('-v --verbose', '', RECEIVES, 'prints the topic before the message'),
  row('-N', '', RECEIVES, 'prints no line feed after a message'),
  row('-F', 'FORMAT', RECEIVES, 'the format of a message, such as %t %p; see docs/tools.md'),
  row('--pretty', '', RECEIVES, 'JSON (%j and %J) on several lines'),
  row('--json', '', RECEIVES, 'one JSON object for each message: as -F %j', true),
  row('-D --property', 'PACKET NAME VALUE', ALL, 'a property of a packet (5.0); see docs/tools.md'),
  row('--will-topic', 'TOPIC', ALL, 'the topic of the Will'),
  row('--will-payload', 'TEXT', ALL, 'its message; default: empty'),
  row('--will-qos', 'QOS', ALL, 'its QoS; default 0'),
  row('--will-retain', '', ALL, 'it is retained'),
  row('--cafile', 'FILE', ALL, 'uses TLS, and trusts the authorities in that file'),
  row('--capath', 'FOLDER', ALL, 'uses TLS, and trusts the authorities in the files of that folder'),
  row('--tls-use-os-certs', '', ALL, 'uses TLS, and trusts the authorities that Node trusts'),
  row('--cert', 'FILE', ALL, 'the certificate of this client'),
  row('--key', 'FILE', ALL, 'its private key'),
  row('--keyform', 'KIND', ALL, 'pem'),
  row('--ciphers', 'LIST', ALL, 'the ciphers, as OpenSSL names them'),
  row('--tls-version', 'VERSION', ALL, 'tlsv1.3, tlsv1.2 or tlsv1.1'),
  row('--tls-alpn', 'PROTOCOL', ALL, 'the application protocol, such as mqtt'),
  row('--insecure', '', ALL, 'accepts a certificate for another host name'),
  row('--psk', 'HEX', ALL, 'uses TLS with that pre-shared key'),
  row('--psk-identity', 'NAME', ALL, 'its identity'),
  row('--tls-engine', 'NAME', ALL, 'not supported: Node has no OpenSSL engines'),
  row('--tls-engine-kpass-sha1', 'HEX', ALL, 'not supported: Node has no OpenSSL engines'),
  row('--proxy', 'URL', ALL, 'a proxy: socks5h://[user[:password]@]host[:port], or http://…'),
  row('--nodelay', '', ALL, 'accepted; packets are never delayed'),
  row('-S', '', ALL, 'not supported: servers of a domain by DNS'),
  row('-d --debug', '', ALL, 'prints every packet'),
  row('--quiet', '', ALL, 'prints no errors while it runs'),
  row('--version', '', ALL, 'prints the version'),
]

/** The flags of one tool. */
export function flagsOf(tool: Tool): readonly FlagRow[] {
  return flagTable.filter(({ tools }) => tools.includes(tool))
}

/** A flag by the name that users would look for. */
export function nameOf({ short, long }: FlagRow): string {
  return long === undefined ? `-${short}` : `--${long}`
}

/** A flag with its values, as the help shows it. */
export function writtenFlag({ short, long, values }: FlagRow): string {
  const names = [short === undefined ? [] : `-${short}`, long === undefined ? [] : `--${long}`].flat()
  return [names.join(', '), ...values].join(' ')
}
