/** `sluice health`: whether a running broker is alive and accepts messages. @module */
import { UsageError } from '../../base/errors.ts'
import type { Call } from '../command.ts'
import { apiOf } from './broker-door.ts'
import { isForPeople } from './list-command.ts'

const CHECKS = ['live', 'ready']

/** @returns the exit code: 1 if it is not well */
export async function health(call: Call): Promise<number> {
  const [check = 'ready'] = call.positionals
  if (!CHECKS.includes(check)) throw new UsageError(`The checks are ${CHECKS.join(' and ')}; got ${check}.`)
  const { status, value } = await apiOf(call).send('GET', `/health/${check}`)
  const isWell = status === 200
  if (isForPeople(call)) call.terminal.out(`${check}: ${isWell ? 'yes' : 'no'}`)
  else call.terminal.out(JSON.stringify(value))
  return isWell ? 0 : 1
}
