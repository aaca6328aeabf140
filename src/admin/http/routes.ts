/** Which operation a path stands for: made from the table of operations. @module */
import type { OperationName } from '../../broker/host/admin.ts'
import type { Operation } from '../operation.ts'
import { operationTable } from '../operation-table.ts'
import { Problem } from './problem.ts'
import type { RequestHead } from './request.ts'

/** What every path of an operation begins with. */
export const API_ROOT = '/api/v1'

/** The longest path and query. */
const MAX_TARGET_LENGTH = 8192

interface Route {
  readonly segments: readonly string[]
  readonly name: OperationName
  readonly operation: Operation
}

/** An operation, and the parameters in the path. */
export interface FoundRoute {
  readonly name: OperationName
  readonly operation: Operation
  readonly inPath: ReadonlyMap<string, string>
}

const routes: readonly Route[] = (Object.entries(operationTable) as [OperationName, Operation][]).map(
  ([name, operation]) => ({ segments: `${API_ROOT}${operation.path}`.split('/'), name, operation }),
)

/**
 * Finds the operation of a method and a path.
 *
 * @param path as it was sent: each segment is decoded by itself, so that a client identifier may contain a slash
 * @throws {Problem} `ERR_NOT_FOUND`, or `ERR_METHOD` for a path that has other methods
 */
export function findRoute(method: string, path: string): FoundRoute {
  const segments = path.split('/').map(decoded)
  const found = routes.filter((route) => matches(route, segments))
  const route = found.find(({ operation }) => operation.method === method)
  if (route !== undefined) return { ...route, inPath: parametersIn(route, segments) }
  if (found.length === 0) throw notFound()
  const allowed = found.map(({ operation }) => operation.method).join(', ')
  throw methodProblem(method, allowed)
}

/** Divides it. @throws {Problem} `ERR_TARGET_SIZE` */
export function targetOf({ target }: Pick<RequestHead, 'target'>): [path: string, query: string] {
  if (target.length > MAX_TARGET_LENGTH) {
    const detail = `path and query have ${target.length} characters; ${MAX_TARGET_LENGTH} are allowed`
    throw new Problem('ERR_TARGET_SIZE', detail, { limit: MAX_TARGET_LENGTH })
  }
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}

export function notFound(): Problem {
  return new Problem('ERR_NOT_FOUND', `there is nothing at this path; ${API_ROOT}/openapi.json lists all operations`)
}

export function methodProblem(method: string, allowed: string): Problem {
  return new Problem(
    'ERR_METHOD',
    `this path does not have the method ${method}; it has ${allowed}`,
    {},
    { Allow: allowed },
  )
}

function matches({ segments: wanted }: Route, segments: readonly string[]): boolean {
  if (wanted.length !== segments.length) return false
  return wanted.every((one, index) => (one.startsWith('{') ? segments[index] !== '' : one === segments[index]))
}

function parametersIn({ segments: wanted }: Route, segments: readonly string[]): Map<string, string> {
  const inPath = new Map<string, string>()
  for (const [index, one] of wanted.entries()) {
    if (one.startsWith('{')) inPath.set(one.slice(1, -1), segments[index]!)
  }
  return inPath
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new Problem('ERR_USAGE', 'the path contains a % that does not begin an encoded character; write it as %25')
  }
}
