/** Why the Session of a bridge has no connection: the bridge knows, and the records of its Session do not. @module */
import type { BridgeView } from '../../broker/host/bridge-view.ts'
import { OpenBridges } from '../../broker/host/open-bridges.ts'
import type { WhyFact } from '../../broker/host/why-view.ts'
import { derived, excerpt, nameOf, type Inquiry } from './facts.ts'

/** @returns nothing for a Client, and for a bridge that is connected */
export function bridgeFacts({ server }: Inquiry, clientId: string): WhyFact[] {
  const bridge = OpenBridges.of(server)?.views.find(({ localClientId }) => localClientId === clientId)
  if (bridge === undefined || bridge.state === 'connected') return []
  return [derived('bridge not connected', `The bridge ${nameOf(bridge.name)} to ${bridge.url} is ${stateText(bridge)}`)]
}

function stateText({ name, state, reason }: BridgeView): string {
  if (state === 'paused') return `paused; \`sluice resume-bridge ${name}\` lets it connect.`
  const why = reason === undefined ? '' : `: ${excerpt(reason)}`
  return `${state}${why}. \`sluice bridge test ${name}\` shows at which step.`
}
