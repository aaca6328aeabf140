/** Decides a login from the answers of the plugins: the rules of `access.ts` for §3.1.4 and §4.12. @module */
import { PacketType } from '../codec/packet-types.ts'
import { isReasonCodeAllowed, ReasonCode } from '../codec/reason-code.ts'
import { Failure, type Answer } from './plugin-questions.ts'
import type { AuthenticationAnswer, ConnectRequest, Plugin } from './plugin.ts'

/** The state from plugins' `continue` answers: one Map for each AUTH exchange, created empty by the caller. */
export type ExchangeStates = Map<Plugin, unknown>

/** A plugin that admitted a client, with the evidence it gave; `true` if none. */
export interface Ground {
  readonly plugin: Plugin['name']
  readonly evidence: unknown
}

/** Why a client was admitted: the plugins are asked about this again when logins may have become invalid. */
export type Grounds = readonly Ground[]

/** Most clients are admitted by one plugin without evidence: all of these share one list. */
const plainGrounds = new Map<string, Grounds>()

/** The result of the vote on a login. */
export type LoginResult =
  | {
      readonly decision: 'allow'
      /** The user name of the client from now on; `undefined` for an anonymous one. */
      readonly userName: string | undefined
      readonly authenticationData: Uint8Array | undefined
      /** Wall-clock milliseconds at which this login ends; the earliest that a plugin set. */
      readonly expiresAtMs: number | undefined
      readonly grounds: Grounds
    }
  | {
      readonly decision: 'deny'
      readonly reasonCode: ReasonCode
      /** For the log and events, never for the peer; contains no secret. */
      readonly cause: string
    }
  | {
      readonly decision: 'continue'
      readonly authenticationData: Uint8Array | undefined
      /** The name that the client claims in the exchange. */
      readonly claimedUserName: string | undefined
    }

type Allow = AuthenticationAnswer & { readonly decision: 'allow' }
type Continue = AuthenticationAnswer & { readonly decision: 'continue' }

/**
 * @param plugins in the order of `answers`
 * @param states receives the state of the plugin that conducts an exchange, for the next step
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
  const denial = denialOf(plugins, answers)
  if (denial !== undefined) return denial
  for (let index = 0; index < answers.length; index++) {
    const answer = answers[index]
    const plugin = plugins[index]!
    if (answer === undefined) continue
    if (answer instanceof Failure) return deny(ReasonCode.ServerUnavailable, `plugin ${plugin.name} ${answer.what}`)
    if (answer.decision === 'deny') continue
    if (answer.decision === 'allow') {
      allows.push(answer)
      allowing.push(plugin)
    } else leaders.push({ plugin, step: answer })
  }
  const [leader, other] = leaders
  if (other !== undefined) return denyTwoLeaders(leader!.plugin, other.plugin)
  if (leader === undefined) return allows.length > 0 ? allow(request, allows, allowing) : denyUnanswered(request)
  if (request.authenticationMethod === undefined) {
    // [5.0 MQTT-4.12.0-6]
    return deny(
      ReasonCode.NotAuthorized,
      `plugin ${leader.plugin.name} requests an exchange, but CONNECT has no Authentication Method`,
    )
  }
  states.set(leader.plugin, leader.step.exchangeState)
  const { authenticationData, userName: claimedUserName = request.userName } = leader.step
  return { decision: 'continue', authenticationData, claimedUserName }
}

/** The first deny, whichever plugins fail beside it: a guess counts as wrong also while another service is down. */
function denialOf(
  plugins: readonly Plugin[],
  answers: readonly Answer<AuthenticationAnswer>[],
): LoginResult | undefined {
  for (const [index, answer] of answers.entries()) {
    const isDeny = answer !== undefined && !(answer instanceof Failure) && answer.decision === 'deny'
    if (isDeny) return denyOf(plugins[index]!, answer)
  }
  return undefined
}

function denyOf({ name }: Plugin, answer: AuthenticationAnswer & { readonly decision: 'deny' }): LoginResult {
  const { reasonCode = ReasonCode.BadUserNameOrPassword, cause = 'denied' } = answer
  // A code that CONNACK does not have, or that is not a refusal, is the plugin's mistake, and is not sent to the client
  // [5.0 MQTT-3.2.2-8].
  const isFit = reasonCode >= 0x80 && isReasonCodeAllowed(PacketType.CONNACK, reasonCode, 'server')
  return deny(isFit ? reasonCode : ReasonCode.NotAuthorized, `${name}: ${cause}`)
}

/**
 * An exchange has one peer on the server's side (§4.12); two plugins that both conduct it are a configuration error.
 */
function denyTwoLeaders(one: Plugin, other: Plugin): LoginResult {
  return deny(
    ReasonCode.BadAuthenticationMethod,
    `plugins ${one.name} and ${other.name} both try to conduct the exchange`,
  )
}

function allow(request: ConnectRequest, allows: readonly Allow[], allowing: readonly Plugin[]): LoginResult {
  const named = allows.filter(({ anonymous }) => anonymous !== true)
  const expiries = allows.flatMap(({ expiresAtMs }) => expiresAtMs ?? [])
  const source = allows.find(({ authenticationData }) => authenticationData !== undefined)
  return {
    decision: 'allow',
    userName: named.length === 0 ? undefined : (named.find(hasUserName)?.userName ?? request.userName),
    // Data belongs to a method.
    authenticationData: request.authenticationMethod === undefined ? undefined : source?.authenticationData,
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

/** A client that makes a claim gets the same answer, whether its name is unknown or its password wrong. */
function denyUnanswered({ authenticationMethod, userName, password }: ConnectRequest): LoginResult {
  if (authenticationMethod === undefined) {
    if (userName === undefined && password === undefined) {
      return deny(ReasonCode.NotAuthorized, 'no plugin admits clients without a user name')
    }
    return deny(ReasonCode.BadUserNameOrPassword, 'no plugin knows the user name')
  }
  // [5.0 MQTT-4.12.0-1]: there is a Reason Code of its own for an Authentication Method that no plugin supports.
  return deny(ReasonCode.BadAuthenticationMethod, 'no plugin supports this Authentication Method')
}

function deny(reasonCode: ReasonCode, cause: string): LoginResult {
  return { decision: 'deny', reasonCode, cause }
}
