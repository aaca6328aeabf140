/**
 * `sluice health`: whether a running broker is alive and accepts messages. Named checks that fail are listed as well,
 * such as certificates that expire soon; they do not change the exit code, because a restart does not cure them.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import type { HealthCheckView } from '../../broker/host/health-view.ts'
import type { Call } from '../command.ts'
import type { ApiClient } from './api-client.ts'
import { apiOf } from './broker-door.ts'
import { isForPeople } from './list-command.ts'

const CHECKS = ['live', 'ready']

/** @returns the exit code: 1 if it is not well */
export async function health(call: Call): Promise<number> {
  const [check = 'ready'] = call.positionals
  if (!CHECKS.includes(check)) throw new UsageError(`The checks are ${CHECKS.join(' and ')}; got ${check}.`)
  const api = apiOf(call)
  const { status, value } = await api.send('GET', `/health/${check}`)
  const isWell = status === 200
  const failed = check === 'ready' ? await failedChecks(api) : []
  if (isForPeople(call)) {
    call.terminal.out(`${check}: ${isWell ? 'yes' : 'no'}`)
    for (const { name, detail } of failed) call.terminal.out(`${name}: ${detail}`)
  } else call.terminal.out(JSON.stringify(failed.length === 0 ? value : { ...(value as object), failed }))
  return isWell ? 0 : 1
}

/** Elsewhere they take a key; without one, only the open checks are shown. */
async function failedChecks(api: ApiClient): Promise<Pick<HealthCheckView, 'name' | 'detail'>[]> {
  const { status, value } = await api.send('GET', '/api/v1/health-checks')
  if (status !== 200) return []
  return (value as HealthCheckView[]).flatMap(({ name, healthy, detail }) => (healthy ? [] : [{ name, detail }]))
}
