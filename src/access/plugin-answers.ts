/**
 * Checks the answers of plugins. Plugins may be plain JavaScript, so an answer can be anything, and can throw or change
 * when it is read. Each field of an answer is read once, here; all other code gets a copy.
 *
 *   true, false                                     mayPublish, maySubscribe, mayReceive, mayStay
 *   { decision: 'allow' | 'deny' | 'continue' … }   authenticate, and the check that it requests
 *   { decision: 'check', check }                    authenticate, at once
 *   { plugin, decision, rule }                      explain
 *   what interceptors.ts has read                   intercept, transformDelivery
 *
 * @module
 */
import { types } from 'node:util'
import { PluginError } from '../base/errors.ts'
import { show } from '../base/show.ts'
import { kindOf } from '../base/thrown.ts'
import { maxStringBytes } from '../codec/utf8.ts'

/** The questions to a plugin. */
export type Question =
  | 'authenticate'
  | 'check'
  | 'mayStay'
  | 'mayPublish'
  | 'maySubscribe'
  | 'mayReceive'
  | 'intercept'
  | 'transformDelivery'
  | 'explain'
  | 'close'

/** A plugin denied, but other fields of its answer are invalid: it remains a denial, which counts as a wrong login. */
export class WrongDenial extends PluginError {}

/**
 * Checks an answer.
 *
 * @param answer not `undefined`, which means no opinion
 * @returns the valid part of it
 * @throws {PluginError} naming the error without quoting the answer; also anything that the answer throws
 */
export function readAnswer(question: Question, answer: unknown): unknown {
  if (question === 'close') return undefined
  if (question === 'explain') return readExplanation(fieldsOf(answer))
  if (question === 'authenticate' || question === 'check') return readLogin(question, fieldsOf(answer))
  if (question === 'intercept' || question === 'transformDelivery') return readMade(answer)
  if (typeof answer === 'boolean') return answer
  throw wrong('the answer', 'true, false or undefined', answer)
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(answer: unknown): Fields {
  if (typeof answer === 'object' && answer !== null) return answer as Fields
  throw wrong('the answer', 'an object or undefined', answer)
}

function wrong(what: string, kind: string, value: unknown): PluginError {
  return new PluginError(`${what} must be ${kind}, got ${kindOf(value)}`)
}

/** What a message is replaced by was checked where the message is known. */
function readMade(answer: unknown): unknown {
  if (typeof answer === 'object' && answer !== null && 'then' in answer)
    throw wrong('the answer', 'there at once', answer)
  return answer
}

function readExplanation({ plugin, decision, rule }: Fields): object {
  if (typeof plugin !== 'string') throw wrong('plugin', 'a string', plugin)
  if (typeof rule !== 'string') throw wrong('rule', 'a string', rule)
  if (decision === 'allow' || decision === 'deny' || decision === 'no opinion') return { plugin, decision, rule }
  throw wrong('decision', "'allow', 'deny' or 'no opinion'", decision)
}

function readLogin(question: 'authenticate' | 'check', fields: Fields): object {
  const { decision } = fields
  if (decision === 'allow') return readAllow(fields)
  if (decision === 'deny') return readDeny(fields)
  if (decision === 'continue') return readContinue(fields)
  if (decision === 'check' && question === 'authenticate') return readCheck(fields)
  const decisions =
    question === 'authenticate' ? "'allow', 'deny', 'continue' or 'check'" : "'allow', 'deny' or 'continue'"
  throw new PluginError(`decision must be ${decisions}, got ${show(decision)}`)
}

function readAllow(fields: Fields): object {
  const { anonymous, expiresAtMs, evidence } = fields
  if (anonymous !== undefined && typeof anonymous !== 'boolean') throw wrong('anonymous', 'true or false', anonymous)
  if (expiresAtMs !== undefined && !isTime(expiresAtMs))
    throw wrong('expiresAtMs', 'a number of milliseconds', expiresAtMs)
  return { decision: 'allow', ...readName(fields), ...readData(fields), anonymous, expiresAtMs, evidence }
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value > -Infinity
}

function readDeny({ reasonCode, cause }: Fields): object {
  const isCode = reasonCode === undefined || typeof reasonCode === 'number'
  if (!isCode) throw new WrongDenial(wrong('reasonCode', 'a number', reasonCode).message)
  if (cause !== undefined && typeof cause !== 'string') throw new WrongDenial(wrong('cause', 'a string', cause).message)
  return { decision: 'deny', reasonCode, cause }
}

function readContinue(fields: Fields): object {
  const { exchangeState } = fields
  return { decision: 'continue', ...readName(fields), ...readData(fields), exchangeState }
}

function readCheck(fields: Fields): object {
  const { check, isDecoy } = fields
  if (typeof check !== 'function') throw wrong('check', 'a function', check)
  if (isDecoy !== undefined && typeof isDecoy !== 'boolean') throw wrong('isDecoy', 'true or false', isDecoy)
  return { decision: 'check', isDecoy, check: (): unknown => Reflect.apply(check, fields, []) }
}

/** A longer one does not fit in the Store, and half of a surrogate pair would be changed by it. */
function readName({ userName }: Fields): object {
  if (userName === undefined) return {}
  const isName =
    typeof userName === 'string' && !/\p{Surrogate}/u.test(userName) && Buffer.byteLength(userName) <= maxStringBytes
  if (isName) return { userName }
  throw wrong('userName', `a well-formed string of at most ${maxStringBytes} bytes`, userName)
}

function readData({ authenticationData }: Fields): object {
  if (authenticationData === undefined) return {}
  if (types.isUint8Array(authenticationData) && authenticationData.length <= maxStringBytes)
    return { authenticationData }
  throw wrong('authenticationData', `a Uint8Array of at most ${maxStringBytes} bytes`, authenticationData)
}
