/**
 * `sluice bridge test`: goes the way of a bridge to the other broker step by step, and shows which step fails. @module
 */
import { UsageError } from '../base/errors.ts'
import { readBridgeSettings } from '../bridges/bridge-settings.ts'
import { urlOfAddress } from '../client/address.ts'
import type { ClientOptions } from '../client/client-options.ts'
import type { BridgeOptions } from '../config/options.ts'
import type { Call } from './command.ts'
import { readConfig } from './config.ts'
import { probeAddress } from './mqtt/probe.ts'

/** @returns the exit code: 1 if a step failed */
export async function bridge({ options, positionals: [action, name], terminal }: Call): Promise<number> {
  if (action !== 'test') throw new UsageError(`\`sluice bridge\` has no action ${action}; it has test`)
  const { bridges } = readConfig(options['config']).options
  let hasFailed = false
  for (const each of chosen(bridges, name)) {
    const { addresses, client } = await readBridgeSettings(each)
    for (const address of addresses) {
      const login = loginOf(client, options['own-id'] !== undefined)
      terminal.out(`${each.name}: ${urlOfAddress(address)} as ${login.clientId}`)
      hasFailed = !(await probeAddress(address, login, terminal)) || hasFailed
    }
  }
  return hasFailed ? 1 : 0
}

function chosen(bridges: readonly BridgeOptions[], name: string | undefined): readonly BridgeOptions[] {
  const found = name === undefined ? bridges : bridges.filter((each) => each.name === name)
  if (found.length > 0) return found
  const names = bridges.map((each) => each.name).join(', ')
  if (names === '') throw new UsageError('the configuration has no bridges')
  throw new UsageError(`the configuration has no bridge ${name}; it has ${names}`)
}

/** A session that is not the bridge's, unless it is asked for: otherwise a bridge that runs would be disconnected. */
function loginOf(client: Partial<ClientOptions>, usesOwnId: boolean): Partial<ClientOptions> {
  const { backOff: _, ...login } = client
  return { ...login, addresses: 1, ...(!usesOwnId && { cleanStart: true, clientId: `${client.clientId}-test` }) }
}
