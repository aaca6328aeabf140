/**
 * All commands of the program. The code of a command is loaded only when it runs, so that help is printed at once.
 * @module
 */
import { remoteWorkloads, workloads } from '../bench/workloads.ts'
import type { Command, CommandOption } from './command.ts'

const CONFIG: CommandOption = { short: 'c', value: 'FILE', description: 'the configuration file (YAML)' }

/** The rows of the benchmark, one per line. */
const ROWS = workloads
  .map((row) => `  ${row.name.padEnd(18)}${row.title}${remoteWorkloads.includes(row) ? '' : ' *'}`)
  .join('\n')

export const commands: readonly Command[] = [
  {
    name: 'start',
    summary: 'starts the broker; Ctrl-C stops it',
    details:
      'Without a configuration it listens on 127.0.0.1:1883, accepts anonymous clients on this machine, and keeps its state\nin ./sluice-data. Relative paths in a configuration count from its folder.',
    positionals: [],
    options: {
      config: CONFIG,
      'log-level': {
        value: 'LEVEL',
        values: ['debug', 'info', 'warn', 'error'],
        description: 'debug, info (default), warn or error',
      },
      repair: { description: 'keeps what is readable of damaged state, and reports the rest' },
    },
    examples: [
      ['sluice start', 'for clients on this machine'],
      ['sluice start --config sluice.yaml', 'with a configuration of your own'],
      ['sluice start -c sluice.yaml --log-level debug', 'also logs details that help when something is wrong'],
    ],
    run: async (call) => (await import('./start.ts')).start(call),
  },
  {
    name: 'check',
    summary: 'checks a configuration without starting the broker',
    details:
      'Reads the configuration, and if it has no mistake of its own, the certificates, keys and plugins that it names. Each\nmistake is one line, with its place in the file where it has one; the exit code is 1 if there is any.',
    positionals: [],
    options: { config: { ...CONFIG, isRequired: true } },
    examples: [['sluice check --config sluice.yaml', 'checks sluice.yaml in this folder']],
    run: async (call) => (await import('./check.ts')).check(call),
  },
  {
    name: 'passwd',
    summary: 'adds a user to a password file, or removes one',
    details:
      'Asks for the password twice and shows nothing; without a terminal, the first line of standard input is the\npassword. A running broker reloads the file automatically.',
    positionals: ['FILE', 'USER'],
    hidesExtra: true,
    options: {
      kind: {
        value: 'KIND',
        description:
          'argon2id (default), bcrypt, sha512-crypt, sha256-crypt, mosquitto-pbkdf2, or scram-sha-256 for auth.scram\n(default in a file that has such lines)',
      },
      delete: { description: 'removes the user' },
    },
    examples: [
      ['sluice passwd users ann', 'adds ann to the file users, or changes the password'],
      ['sluice passwd users ann --delete', 'removes ann'],
    ],
    run: async (call) => (await import('./passwd.ts')).passwd(call),
  },
  {
    name: 'store',
    summary: 'inspects, compacts or copies what a broker has stored',
    details:
      'stats counts what is stored; dump prints every fact as a line of JSON, without payloads of messages; backup PATH\ncopies all of it to an empty folder. These work while a broker runs. compact frees what space it can, and needs\nthe broker stopped. Without a configuration the state in ./sluice-data is meant.',
    positionals: ['ACTION'],
    optionalPositional: 'PATH',
    options: { config: CONFIG },
    examples: [
      ['sluice store stats', 'how many sessions, messages and bytes'],
      ['sluice store dump -c sluice.yaml', 'every session, subscription and message'],
      ['sluice store backup /var/backups/mqtt', 'a copy that a broker can start from'],
      ['sluice store compact', 'frees space'],
    ],
    run: async (call) => (await import('./store.ts')).store(call),
  },
  {
    name: 'explain',
    summary: 'shows whether a user may use a topic, and which rule decides',
    details:
      'Asks the plugins of topic-check as the broker would, without a broker and without connecting anyone. The exit code\nis 0 for an allow and 1 for a deny.',
    positionals: [],
    options: {
      config: { ...CONFIG, isRequired: true },
      action: {
        value: 'ACTION',
        values: ['publish', 'subscribe', 'receive'],
        isRequired: true,
        description: 'publish, subscribe or receive',
      },
      topic: {
        short: 't',
        value: 'TOPIC',
        isRequired: true,
        description: 'a topic name; to subscribe, a topic filter',
      },
      user: {
        short: 'u',
        value: 'NAME',
        description: 'the user name; without it, the question is about an anonymous client',
      },
      client: { short: 'i', value: 'ID', description: 'the client identifier, if a rule uses it' },
    },
    examples: [
      ["sluice explain -c sluice.yaml --user ann --action subscribe -t 'a/#'", 'may ann subscribe to a/#?'],
      ['sluice explain -c sluice.yaml --action publish --topic a/b', 'may an anonymous client publish to a/b?'],
    ],
    run: async (call) => (await import('./explain.ts')).explain(call),
  },
  {
    name: 'ping',
    summary: 'asks a broker whether it is alive',
    details:
      'Connects, and sends a CONNECT and a PINGREQ. The exit code is 0 if the broker answers, even if it refuses a login\nwithout a user name, and 1 if it does not. Without a URL or a configuration it asks mqtt://127.0.0.1:1883. Certificates are not\nverified. For health checks of containers and the like.',
    positionals: [],
    optionalPositional: 'URL',
    options: {
      config: { ...CONFIG, description: 'asks the first listener of this configuration that can be asked' },
      timeout: { value: 'SECONDS', description: 'how long each answer may take; 5 unless given' },
    },
    examples: [
      ['sluice ping', 'the broker on this machine'],
      ['sluice ping --config /etc/sluice/sluice.yaml', 'the broker of that configuration, on this machine'],
      ['sluice ping wss://mqtt.example.com/mqtt --timeout 10', 'another one, by WebSocket and TLS'],
    ],
    run: async (call) => (await import('./ping.ts')).ping(call),
  },
  {
    name: 'bench',
    summary: 'measures a broker: messages a second, processor time, latency, memory',
    details: `Without --url it starts this program as a broker of its own, measures it and stops it; nothing remains of it. With --url
it drives a broker that runs already, of whatever make. Use it only on a broker of your own, as it sends all it can. That broker's
processor time and memory stay unknown, and where it runs on this machine, it shares the processors with what drives it.

Each row is a workload: who publishes to whom, at which QoS, 64 bytes and MQTT 3.1.1 unless it says otherwise. All rows
take a few minutes; a line on standard error says how far it is. What matters most is broker µs/message, the processor
time of the broker's whole process for each delivered message: it hardly depends on what else the machine does, as the
rate does. Latencies (p50, p99, p99.9) are from the write of a message to the read of its delivery; in rows that send as
much as they can they show the length of the queue, in those with a pace (20,000/s) how quick the broker is.

Rows (* not with --url):
${ROWS}`,
    positionals: [],
    options: {
      url: {
        short: 'u',
        value: 'URL',
        description: 'the broker: mqtt://, mqtts://, ws:// or wss://, with user:password@ if it asks for them',
      },
      rows: { short: 'r', value: 'NAME,..', description: 'only these rows' },
      seconds: { short: 's', value: 'N', description: 'measured time of each row; 2 unless given' },
      json: { value: 'FILE', description: 'also writes all figures to FILE' },
    },
    examples: [
      ['sluice bench --rows 1-1,50-50-q1,single', 'three rows against a broker of its own'],
      ['sluice bench --url mqtt://127.0.0.1:1883 --rows 1-1', 'one row against the broker that runs there'],
      ['sluice bench --seconds 5 --json now.json', 'everything, at length, with the figures in a file'],
    ],
    run: async (call) => (await import('./bench.ts')).bench(call),
  },
]
