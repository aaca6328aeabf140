/**
 * The operations of the broker as functions of the page. Names, parameters and answers are the types of `broker.admin`,
 * methods and paths those of its table: an operation, parameter or field that is renamed does not compile here.
 *
 * @module
 */
import { routes } from 'virtual:routes'
import type { Admin, AdminParameters, OperationName } from '../../../src/broker/host/admin.ts'
import { authorization, forgetLogin, login } from './credentials.ts'

/** What an operation returns over HTTP, where "there is none" is a problem with the status 404. */
export type AnswerOf<Name extends OperationName> = NonNullable<Awaited<ReturnType<Admin[Name]>>>

export type ParametersOf<Name extends OperationName> = AdminParameters[Name]

/** Why a request was refused, as the API explains it. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.name = 'ApiProblem'
    this.status = status
    this.code = code
  }
}

/** @throws {ApiProblem} */
export async function call<Name extends OperationName>(
  name: Name,
  parameters: ParametersOf<Name>,
  signal?: AbortSignal,
): Promise<AnswerOf<Name>> {
  const { method, path, places } = routes[name]
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  const at = (place: string): [string, unknown][] => given.filter(([key]) => places[key] === place)
  const query = new URLSearchParams(at('query').flatMap(([key, value]) => written(key, value)))
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    encodeURIComponent(String((parameters as Readonly<Record<string, unknown>>)[key])),
  )
  const body = at('body')
  const response = await request(`api/v1${filled}${query.size === 0 ? '' : `?${query}`}`, {
    method,
    ...(body.length > 0 && { body: JSON.stringify(Object.fromEntries(body)) }),
    ...(signal !== undefined && { signal }),
  })
  return (response.status === 204 ? undefined : await response.json()) as AnswerOf<Name>
}

function written(key: string, value: unknown): [string, string][] {
  return Array.isArray(value) ? value.map((one) => [key, String(one)]) : [[key, String(value)]]
}

/**
 * A request with the login of this page.
 *
 * @throws {ApiProblem} unless it succeeds
 */
export async function request(path: string, init: Omit<RequestInit, 'headers'>): Promise<Response> {
  const type = init.body === undefined ? {} : { 'Content-Type': 'application/json' }
  const headers = { ...authorization(), ...type }
  const response = await fetch(path, { ...init, headers, credentials: 'same-origin' }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiProblem(0, 'UNREACHABLE', 'The broker cannot be reached.')
  })
  if (response.ok) return response
  if (response.status === 401 && login.value === 'done') forgetLogin()
  const problem = (await response.json().catch(() => ({}))) as { readonly code?: string; readonly detail?: string }
  throw new ApiProblem(response.status, problem.code ?? '', problem.detail ?? response.statusText)
}
