/**
 * Mosquitto's dynamic security, as `mosquitto_ctrl dynsec` uses it: commands in JSON come on `$CONTROL/dynamic-security/v1`, and the
 * answer goes to their sender alone.
 *
 *   { "commands": [{ "command": "createClient", "username": "ann" }] }
 *   { "responses": [{ "command": "createClient" }] }
 *
 * They are carried out one after the other, and answered once all of them are stored. Who may send them is not decided here.
 *
 * @module
 */
import { SluiceError } from '../../base/errors.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { ControlHandler } from '../../broker/control.ts'
import { clientCommands } from './client-commands.ts'
import { CommandError, mustBeAllowed, type Command, type CommandContext, type Given } from './command.ts'
import { groupCommands } from './group-commands.ts'
import { roleCommands } from './role-commands.ts'

export const commands: Readonly<Record<string, Command>> = { ...clientCommands, ...groupCommands, ...roleCommands }

const UNKNOWN = 'Unknown command'

export function createDynamicSecurity(broker: Broker): ControlHandler {
  return async (payload, mayStill) => {
    const { directory, turn } = serverOf(broker)
    const responses = await answersTo(payload, { directory, mayStill })
    await new Promise<void>((resolve) => turn.whenCommitted(resolve))
    return JSON.stringify({ responses })
  }
}

async function answersTo(payload: string, context: CommandContext): Promise<object[]> {
  const parsed = parse(payload)
  if (parsed === undefined) return [{ command: UNKNOWN, error: 'Payload not valid JSON' }]
  const list = typeof parsed === 'object' && parsed !== null ? (parsed as Given)['commands'] : undefined
  if (!Array.isArray(list)) return [{ command: UNKNOWN, error: 'Invalid/missing commands' }]
  const answers: object[] = []
  for (const given of list as unknown[]) answers.push(await answerTo(given, context))
  return answers
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}

async function answerTo(given: unknown, context: CommandContext): Promise<object> {
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
    const data = await carryOut(given as Given, context)
    return { command, ...(data !== undefined && { data }), ...correlation }
  } catch (error) {
    if (error instanceof CommandError || error instanceof SluiceError) {
      return { command, error: error.message, ...correlation }
    }
    throw error
  }
}
