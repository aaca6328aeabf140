/** What the vote makes of a log-in, from the answers of the plugins: the rules of `access.ts` for §3.1.4 and §4.12. @module */
import { PacketType } from '../codec/packet-types.ts'
import { isReasonCodeAllowed, ReasonCode } from '../codec/reason-code.ts'
import { FAILED, type Answer } from './plugin-questions.ts'
import type { AuthenticationAnswer, ConnectRequest, Plugin } from './plugin.ts'

/** What plugins put into their `continue` answers: one Map for each AUTH exchange, made empty by who starts it. */
export type ExchangeStates = Map<Plugin, unknown>

/** That a plugin let a Client in, and what it gave as evidence; `true` if nothing. */
export interface Ground {
  readonly plugin: Plugin['name']
  readonly evidence: unknown
}

/** Why a Client is in: what is asked about again when logins may not be good any longer. */
export type Grounds = readonly Ground[]

/** Most Clients are let in by one plugin that gives nothing: all of those share one list. */
const plainGrounds = new Map<string, Grounds>()

/** What the vote makes of a log-in. */
export type LoginResult =
  | {
      readonly decision: 'allow'
      /** The name this Client goes by from now on; `undefined` for an anonymous one. */
      readonly userName: string | undefined
      readonly authenticationData: Uint8Array | undefined
      /** Wall-clock milliseconds when this log-in ends; the earliest that a plugin named. */
      readonly expiresAtMs: number | undefined
      readonly grounds: Grounds
    }
  | {
      readonly decision: 'deny'
      readonly reasonCode: ReasonCode
      /** For the log and events, never for the peer; holds no secret. */
      readonly cause: string
    }
  | {
      readonly decision: 'continue'
      readonly authenticationData: Uint8Array | undefined
      /** The name that the Client claims in the exchange. */
      readonly claimedUserName: string | undefined
    }

type Allow = AuthenticationAnswer & { readonly decision: 'allow' }
type Continue = AuthenticationAnswer & { readonly decision: 'continue' }

/**
 * @param plugins in the order of `answers`
 * @param states gets what the plugin that leads an exchange left for the next step
 */
export function voteOnLogin(
  request: ConnectRequest,
  plugins: readonly Plugin[],
  answers: readonly Answer<AuthenticationAnswer>[],
  states: ExchangeStates,
): LoginResult {
  const allows: Allow[] = []
  const allowing: Plugin[] = []
  const leaders: { readonly plugin: Plugin; readonly step: Continue }[] = []
  for (const [index, answer] of answers.entries()) {
    const plugin = plugins[index]!
    if (answer === undefined) continue
    if (answer === FAILED) return deny(ReasonCode.ServerUnavailable, `plugin ${plugin.name} failed`)
    if (answer.decision === 'deny') return denyOf(plugin, answer)
    if (answer.decision === 'allow') {
      allows.push(answer)
      allowing.push(plugin)
    } else leaders.push({ plugin, step: answer })
  }
  const [leader, other] = leaders
  if (other !== undefined) return twoLeaders(leader!.plugin, other.plugin)
  if (leader === undefined) return allows.length > 0 ? allow(request, allows, allowing) : nobodyAnswered(request)
  if (request.authenticationMethod === undefined) {
    // [5.0 MQTT-4.12.0-6]
    return deny(ReasonCode.NotAuthorized, `plugin ${leader.plugin.name} wants an exchange that CONNECT did not ask for`)
  }
  states.set(leader.plugin, leader.step.exchangeState)
  const { authenticationData, userName: claimedUserName = request.userName } = leader.step
  return { decision: 'continue', authenticationData, claimedUserName }
}

function denyOf({ name }: Plugin, answer: AuthenticationAnswer & { readonly decision: 'deny' }): LoginResult {
  const { reasonCode = ReasonCode.BadUserNameOrPassword, cause = 'denied' } = answer
  // A code that CONNACK does not have, or that is no refusal, is the plugin's mistake and not the Client's to read [5.0 MQTT-3.2.2-8].
  const isFit = reasonCode >= 0x80 && isReasonCodeAllowed(PacketType.CONNACK, reasonCode, 'server')
  return deny(isFit ? reasonCode : ReasonCode.NotAuthorized, `${name}: ${cause}`)
}

/** An exchange has one other side (§4.12); two plugins that both lead it are a mistake of the configuration. */
function twoLeaders(one: Plugin, other: Plugin): LoginResult {
  return deny(
    ReasonCode.BadAuthenticationMethod,
    `plugins ${one.name} and ${other.name} both want to lead the exchange`,
  )
}

function allow(request: ConnectRequest, allows: readonly Allow[], allowing: readonly Plugin[]): LoginResult {
  const named = allows.filter(({ anonymous }) => anonymous !== true)
  const expiries = allows.flatMap(({ expiresAtMs }) => expiresAtMs ?? [])
  const teller = allows.find(({ authenticationData }) => authenticationData !== undefined)
  return {
    decision: 'allow',
    userName: named.length === 0 ? undefined : (named.find(hasUserName)?.userName ?? request.userName),
    // Data belongs to a method.
    authenticationData: request.authenticationMethod === undefined ? undefined : teller?.authenticationData,
    expiresAtMs: expiries.length > 0 ? Math.min(...expiries) : undefined,
    grounds: groundsOf(allows, allowing),
  }
}

function groundsOf(allows: readonly Allow[], allowing: readonly Plugin[]): Grounds {
  const [only] = allows
  if (allows.length > 1 || only!.evidence !== undefined) {
    return allows.map(({ evidence = true }, at) => ({ plugin: allowing[at]!.name, evidence }))
  }
  const plugin = allowing[0]!.name
  const plain = plainGrounds.get(plugin) ?? [{ plugin, evidence: true }]
  plainGrounds.set(plugin, plain)
  return plain
}

function hasUserName({ userName }: Allow): boolean {
  return userName !== undefined
}

/** Whoever claims something reads the same, whether its name is unknown or its password wrong. */
function nobodyAnswered({ authenticationMethod, userName, password }: ConnectRequest): LoginResult {
  if (authenticationMethod === undefined) {
    if (userName === undefined && password === undefined) {
      return deny(ReasonCode.NotAuthorized, 'no plugin lets in clients without a user name')
    }
    return deny(ReasonCode.BadUserNameOrPassword, 'no plugin knows the user name')
  }
  // [5.0 MQTT-4.12.0-1]: an Authentication Method that nobody here speaks has a Reason Code of its own.
  return deny(ReasonCode.BadAuthenticationMethod, 'no plugin answers for this Authentication Method')
}

function deny(reasonCode: ReasonCode, cause: string): LoginResult {
  return { decision: 'deny', reasonCode, cause }
}
