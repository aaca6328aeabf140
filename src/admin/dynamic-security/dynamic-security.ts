/**
 * Mosquitto's dynamic security, as `mosquitto_ctrl dynsec` uses it: commands in JSON come on
 * `$CONTROL/dynamic-security/v1`, and the answer goes to their sender alone.
 *
 *   { "commands": [{ "command": "createClient", "username": "ann" }] }
 *   { "responses": [{ "command": "createClient" }] }
 *
 * They are carried out one after the other, and answered once all of them are stored. Who may send them is not decided
 * here.
 *
 * @module
 */
import { SluiceError } from '../../base/errors.ts'
import { safeExcerpt } from '../../base/printable.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { ControlHandler } from '../../broker/control.ts'
import { Slices } from '../access/slices.ts'
import { writeJson } from '../http/json-output.ts'
import { recordAction, whyNotRecorded } from '../record-action.ts'
import { clientCommands } from './client-commands.ts'
import { CommandError, mustBeAllowed, type Command, type CommandContext, type Given } from './command.ts'
import { groupCommands } from './group-commands.ts'
import { roleCommands } from './role-commands.ts'

export const commands: Readonly<Record<string, Command>> = { ...clientCommands, ...groupCommands, ...roleCommands }

const UNKNOWN = 'Unknown command'

export function createDynamicSecurity(broker: Broker): ControlHandler {
  return async (payload, mayStill, sender) => {
    const { directory, turn } = serverOf(broker)
    const slices = new Slices(broker)
    const context: CommandContext = {
      ...{ directory, mayStill, whyRefused: () => whyNotRecorded(broker) },
      inSlices: (work) => slices.run(work),
    }
    const responses = await answersTo(payload, context, (...what) => record(broker, sender, ...what))
    await new Promise<void>((resolve) => turn.whenCommitted(resolve))
    return (await writeJson({ responses }, turn, broker)).pieces.join('')
  }
}

type Done = (given: Given, error: string | undefined) => void

/** @throws {CommandError} if the audit log cannot be written, and actions are refused then */
async function mustBeRecorded(context: CommandContext): Promise<void> {
  const problem = await context.whyRefused()
  if (problem !== undefined) throw new CommandError(problem)
}

async function answersTo(payload: string, context: CommandContext, done: Done): Promise<object[]> {
  const parsed = parse(payload)
  if (parsed === undefined) return [{ command: UNKNOWN, error: 'Payload not valid JSON' }]
  const list = typeof parsed === 'object' && parsed !== null ? (parsed as Given)['commands'] : undefined
  if (!Array.isArray(list)) return [{ command: UNKNOWN, error: 'Invalid/missing commands' }]
  const answers: object[] = []
  for (const given of list as unknown[]) {
    const answer = await answerTo(given, context)
    answers.push(answer)
    done((given ?? {}) as Given, answer.error)
  }
  return answers
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}

/**
 * Of a command and of the entries of its lists, what is no secret: which entry it is about, and what that may do then.
 */
const RECORDED = ['username', 'groupname', 'rolename', 'clientid', 'disabled', 'priority', 'acltype', 'topic', 'allow']
const RECORDED_LISTS = ['roles', 'groups', 'clients', 'acls']
/**
 * Characters of a longer list, of which only the length is recorded: a line of the audit log has to hold all of them.
 */
const MAX_RECORDED_LIST = 750
const VIEWS = /^(get|list)/

/** What changes something is an action of an operator. */
function record(broker: Broker, { userName, address }: Sender, given: Given, error: string | undefined): void {
  const { command } = given
  if (typeof command !== 'string' || !Object.hasOwn(commands, command) || VIEWS.test(command)) return
  const lists = RECORDED_LISTS.flatMap((key) => {
    const list = given[key]
    return Array.isArray(list) ? [[key, recordedList(list as readonly unknown[])] as const] : []
  })
  const parameters = { ...recordedOf(given), ...Object.fromEntries(lists) }
  const outcome = error === undefined ? { status: 200 } : { status: 400, code: 'ERR_USAGE' }
  const who = `user ${safeExcerpt(userName ?? '')}`
  recordAction(broker, { who, from: address, what: `$CONTROL ${command}`, parameters, ...outcome })
}

function recordedOf(given: Given): object {
  const known = RECORDED.filter((key) => ['string', 'boolean', 'number'].includes(typeof given[key]))
  return Object.fromEntries(known.map((key) => [key, given[key]]))
}

function recordedList(list: readonly unknown[]): unknown {
  const known = list.map((each) => recordedOf((each ?? {}) as Given))
  return JSON.stringify(known).length > MAX_RECORDED_LIST ? `(${list.length} entries)` : known
}

type Sender = Parameters<ControlHandler>[2]

interface CommandAnswer {
  readonly command: string
  readonly data?: object
  readonly correlationData?: string
  readonly error?: string
}

async function answerTo(given: unknown, context: CommandContext): Promise<CommandAnswer> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { command: UNKNOWN, error: 'Command not an object' }
  }
  const { command, correlationData } = given as Given
  const correlation = typeof correlationData === 'string' ? { correlationData } : {}
  if (typeof command !== 'string') return { command: UNKNOWN, error: 'Missing command', ...correlation }
  const carryOut = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (carryOut === undefined) return { command, error: UNKNOWN, ...correlation }
  try {
    mustBeAllowed(context)
    if (!VIEWS.test(command)) await mustBeRecorded(context)
    const data = await carryOut(given as Given, context)
    return { command, ...(data !== undefined && { data }), ...correlation }
  } catch (error) {
    if (error instanceof CommandError || error instanceof SluiceError) {
      return { command, error: error.message, ...correlation }
    }
    throw error
  }
}
