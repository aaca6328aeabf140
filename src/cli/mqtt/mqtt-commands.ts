/** The rows of `sluice pub`, `sub` and `rr` in the table of commands. @module */
import type { Command } from '../command.ts'
import { flagsOf, type Tool, writtenFlag } from './flag-table.ts'

function command(name: Tool, summary: string, details: string, examples: Command['examples']): Command {
  return {
    name,
    summary,
    details,
    positionals: [],
    options: {},
    examples,
    hasOwnFlags: true,
    flags: flagsOf(name).map((row) => [writtenFlag(row), row.description]),
    run: async (call) => (await import('./mqtt-tool.ts')).runTool(name, call),
  }
}

export const mqttCommands: readonly Command[] = [
  command(
    'pub',
    'publishes messages',
    'Takes the options of mosquitto_pub, with the same output and exit codes; see docs/tools.md.',
    [
      ['sluice pub -t a/b -m hi', 'one message'],
      ['sluice pub -L mqtts://ann:secret@example.com/a/b -f photo.jpg -q 1', 'a file, over TLS, with a login'],
      ['tail -f log | sluice pub -t log -l', 'each line as a message'],
    ],
  ),
  command(
    'sub',
    'subscribes, and prints messages',
    'Takes the options of mosquitto_sub, with the same output and exit codes; see docs/tools.md.',
    [
      ["sluice sub -t 'a/#' -v", 'every message, with its topic'],
      ["sluice sub -t 'a/#' -C 1 -W 5", 'one message, within five seconds'],
      ["sluice sub -t 'a/#' -V 5 --json", 'one JSON object for each message, with all properties'],
    ],
  ),
  command(
    'rr',
    'publishes a request, and prints the response',
    'Takes the options of mosquitto_rr, with the same output and exit codes; see docs/tools.md.',
    [['sluice rr -t lamp/get -e my/answer -m state -W 5', 'asks, and waits five seconds for the answer']],
  ),
  {
    name: 'context',
    summary: 'saves connections under names, for pub, sub and rr',
    details:
      'add NAME saves the connection options that follow, which are those of `sluice pub`; use NAME applies it where a command\nnames no server, and use alone ends that; ls lists all; rm NAME removes one. Passwords are kept in\n~/.config/sluice/contexts.json, which only its owner may read.',
    positionals: [],
    options: {},
    hasOwnFlags: true,
    flags: [
      ['add NAME OPTION …', 'saves a connection'],
      ['use [NAME]', 'applies it where a command names no server'],
      ['ls', 'lists all, without their passwords'],
      ['rm NAME', 'removes it'],
    ],
    examples: [
      ['sluice context add plant -L mqtts://ann:secret@example.com --cafile ca.pem', 'saves it'],
      ["sluice sub --context plant -t '#' -v", 'uses it'],
    ],
    run: async (call) => (await import('./context.ts')).context(call),
  },
  {
    name: 'probe',
    summary: 'shows step by step whether and how fast a broker can be reached',
    details:
      'Resolves the name, connects, negotiates TLS and WebSocket, logs in and sends a PINGREQ, and prints a line for each step:\nhow long it took, and what it found, such as the certificates with the days that are left, and the limits of the broker.\nThe exit code is 1 if a step fails. Takes the connection options of `sluice pub`.',
    positionals: [],
    options: {},
    hasOwnFlags: true,
    flags: [['URL', 'mqtt://, mqtts://, ws:// or wss://, with user:password@ if it requires them']],
    examples: [
      ['sluice probe mqtts://example.com', 'over TLS'],
      ['sluice probe wss://example.com/mqtt -u ann -P secret', 'over WebSocket and TLS, with a login'],
      ['sluice probe -h 192.0.2.1 --cafile ca.pem', 'trusting an authority of your own'],
    ],
    run: async (call) => (await import('./probe.ts')).probe(call),
  },
  {
    name: 'simulate',
    summary: 'runs a fleet of devices that a file describes',
    details:
      'FILE is a scenario in YAML, or a module whose default export is the same: kinds of devices with their topics, payloads,\npace, and times of absence; see docs/tools.md. Takes the connection options of `sluice pub`. Prints a line every five\nseconds, and the totals at the end; the exit code is 1 if no device could connect.',
    positionals: [],
    options: {},
    hasOwnFlags: true,
    flags: [
      ['FILE', 'the scenario'],
      ['--seconds N', 'ends after that time; otherwise Ctrl-C ends it'],
    ],
    examples: [
      ['sluice simulate fleet.yaml', 'with the broker on this machine'],
      ['sluice simulate fleet.yaml -L mqtts://example.com --seconds 60', 'another broker, for a minute'],
    ],
    run: async (call) => (await import('./simulate/simulate.ts')).simulate(call),
  },
]
