/**
 * All commands of the program. The code of a command is loaded only when it runs, so that help is printed at once.
 * @module
 */
import { remoteWorkloads, workloads } from '../bench/workloads.ts'
import type { Command } from './command.ts'
import { mqttCommands } from './mqtt/mqtt-commands.ts'
import { operatorCommands } from './operator/operator-commands.ts'
import { CONFIG, startCommand } from './start-command.ts'

/** The rows of the benchmark, one per line. */
const ROWS = workloads
  .map((row) => `  ${row.name.padEnd(18)}${row.title}${remoteWorkloads.includes(row) ? '' : ' *'}`)
  .join('\n')

const ownCommands: readonly Command[] = [
  startCommand,
  {
    name: 'bridge',
    summary: 'tests the connection of a bridge to the other broker',
    details:
      '`test` goes the way of each bridge, or of the one that is named, step by step: name, TCP, TLS, login, round trip; the exit code is 1\nif a step fails. `sluice bridges` shows what a running broker does.',
    positionals: ['ACTION'],
    optionalPositional: 'NAME',
    actions: ['test'],
    options: {
      config: { ...CONFIG, isRequired: true },
      'own-id': {
        description: 'logs in with the client identifier of the bridge; a bridge that runs loses its connection',
      },
    },
    examples: [
      ['sluice bridge test --config sluice.yaml', 'every bridge of the file'],
      ['sluice bridge test cloud --own-id -c sluice.yaml', 'one, at a service that accepts no other client identifier'],
    ],
    run: async (call) => (await import('./bridge.ts')).bridge(call),
  },
  {
    name: 'check',
    summary: 'checks a configuration without starting the broker',
    details:
      'Reads the configuration and, if it has no mistakes itself, the certificates, keys and plugins that it names. Prints each\nmistake on one line, with its place in the file if it has one; the exit code is 1 if there are any.',
    positionals: [],
    options: { config: { ...CONFIG, isRequired: true } },
    examples: [['sluice check --config sluice.yaml', 'checks sluice.yaml in this folder']],
    run: async (call) => (await import('./check.ts')).check(call),
  },
  {
    name: 'passwd',
    summary: 'adds a user to a password file, or removes one',
    details:
      'Asks for the password twice, without showing it; if standard input is not a terminal, its first line is the password.\nA running broker reloads the file automatically.',
    positionals: ['FILE', 'USER'],
    hidesExtra: true,
    options: {
      kind: {
        value: 'KIND',
        description:
          'argon2id (default), bcrypt, sha512-crypt, sha256-crypt, mosquitto-pbkdf2, or scram-sha-256 for auth.scram\n                (the default for a file that has such lines)',
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
      'stats counts what is stored; dump prints every fact as a line of JSON, without the payloads of messages; backup PATH\ncopies everything to an empty folder. These work while a broker is running. compact frees as much space as it can; the\nbroker has to be stopped. Without a configuration, they use ./sluice-data.',
    positionals: ['ACTION'],
    optionalPositional: 'PATH',
    actions: ['stats', 'dump', 'backup', 'compact'],
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
      'Asks the plugins of topic-check as the broker would; no broker needs to be running. The exit code is 0 for an allow and\n1 for a deny.\n\n--rules FILE alone shows who would gain (+) and lose (-) which rules if FILE replaced topic-check.acl-file. With a question, it\nanswers as if it did. A file of users and roles, as `sluice export-access` prints it, is compared by the running broker.',
    positionals: [],
    options: {
      config: { ...CONFIG, isRequired: true },
      action: {
        value: 'ACTION',
        values: ['publish', 'subscribe', 'receive'],
        description: 'publish, subscribe or receive',
      },
      topic: {
        short: 't',
        value: 'TOPIC',
        description: 'a topic name; to subscribe, a topic filter',
      },
      user: {
        short: 'u',
        value: 'NAME',
        description: 'the user name; without it, the question is about an anonymous client',
      },
      rules: { value: 'FILE', description: 'rules to be judged before they are used, of at most 16 MiB' },
      client: { short: 'i', value: 'ID', description: 'the client identifier, if a rule uses it' },
    },
    examples: [
      ["sluice explain -c sluice.yaml --user ann --action subscribe -t 'a/#'", 'may ann subscribe to a/#?'],
      ['sluice explain -c sluice.yaml --action publish --topic a/b', 'may an anonymous client publish to a/b?'],
      [
        'sluice explain -c sluice.yaml --rules rules.new',
        'who gains and loses what if rules.new becomes the file of rules',
      ],
    ],
    run: async (call) => (await import('./explain.ts')).explain(call),
  },
  {
    name: 'ping',
    summary: 'checks whether a broker is alive',
    details:
      'Connects, and sends a CONNECT and a PINGREQ. The exit code is 0 if the broker answers, even if it refuses a login\nwithout a user name; otherwise it is 1. Without a URL or a configuration, it connects to mqtt://127.0.0.1:1883.\nCertificates are not verified. Use it for health checks of containers and services.',
    positionals: [],
    optionalPositional: 'URL',
    options: {
      config: { ...CONFIG, description: 'checks the first suitable listener of this configuration' },
      timeout: { value: 'SECONDS', description: 'how long each answer may take; default 5' },
      count: { value: 'N', description: 'as many round trips, and how long they took; default 1' },
    },
    examples: [
      ['sluice ping', 'the broker on this machine'],
      ['sluice ping --config /etc/sluice/sluice.yaml', 'the broker of that configuration, on this machine'],
      ['sluice ping wss://mqtt.example.com/mqtt --timeout 10', 'another broker, over WebSocket and TLS'],
    ],
    run: async (call) => (await import('./ping.ts')).ping(call),
  },
  {
    name: 'bench',
    summary: 'measures a broker: messages per second, processor time, latency, memory',
    details: `Without --url, it starts this program as a broker, measures it, stops it and removes its data. With --url, it measures a
running broker of any make. Use that only on your own broker, because it sends as much as it can. The processor time and
memory of that broker are not known, and if it runs on this machine, it shares the processors with the load generator.

Each row is a workload: who publishes to whom, at which QoS, with 64 bytes and MQTT 3.1.1 unless it states otherwise. All
rows take a few minutes; a line on standard error shows the progress. The most important figure is broker µs/message, the
processor time of the broker's whole process for each delivered message: unlike the rate, it hardly depends on other load
on the machine. Latencies (p50, p99, p99.9) are measured from the write of a message to the read of its delivery. In rows
that send as much as they can, they reflect the length of the queue; in paced rows (20,000/s), the speed of the broker.

Rows (* not with --url):
${ROWS}`,
    positionals: [],
    options: {
      url: {
        short: 'u',
        value: 'URL',
        description: 'the broker: mqtt://, mqtts://, ws:// or wss://, with user:password@ if it requires them',
      },
      rows: { short: 'r', value: 'NAME,..', description: 'only these rows' },
      seconds: { short: 's', value: 'N', description: 'measured time of each row; default 2' },
      json: { value: 'FILE', description: 'also writes all figures to FILE' },
    },
    examples: [
      ['sluice bench --rows 1-1,50-50-q1,single', 'three rows, with a broker that it starts itself'],
      ['sluice bench --url mqtt://127.0.0.1:1883 --rows 1-1', 'one row, with the broker at that URL'],
      ['sluice bench --seconds 5 --json now.json', 'all rows, measured longer, with the figures in a file'],
    ],
    run: async (call) => (await import('./bench.ts')).bench(call),
  },
  ...mqttCommands,
  {
    name: 'completion',
    summary: 'prints a script that completes commands and options in a shell',
    details:
      'SHELL is bash, zsh or fish. The script completes the commands and options that `sluice --help` shows, and the names of\nfiles. It belongs in the configuration of the shell.',
    positionals: ['SHELL'],
    actions: ['bash', 'zsh', 'fish'],
    options: {},
    examples: [
      ['eval "$(sluice completion bash)"', 'in ~/.bashrc'],
      ['sluice completion zsh > "${fpath[1]}/_sluice"', 'once, for zsh'],
      ['sluice completion fish > ~/.config/fish/completions/sluice.fish', 'once, for fish'],
    ],
    run: async (call) => (await import('./completion/completion.ts')).completion(call, commands),
  },
]

export const commands: readonly Command[] = [...ownCommands, ...operatorCommands]
