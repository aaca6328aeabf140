/** The description of the API in OpenAPI 3.1, made from the table of operations. @module */
import { version } from '../../broker/version.ts'
import type { Operation, ParameterRow } from '../operation.ts'
import { operationTable } from '../operation-table.ts'
import { answerSchema, viewSchemas } from '../schemas/view-fields.ts'
import { MAX_OVERVIEW_SECONDS } from './event-query.ts'
import { liveEvents } from './live-events.ts'
import { problemTable } from './problem.ts'
import { API_ROOT } from './routes.ts'

type Json = Readonly<Record<string, unknown>>

let text: string | undefined

/** The document as JSON; it is the same for every broker of this version. */
export function openApiText(): string {
  return (text ??= JSON.stringify(openApi()))
}

export function openApi(): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const [name, operation] of Object.entries(operationTable) as [string, Operation][]) {
    const methods = (paths[operation.path] ??= {})
    methods[operation.method.toLowerCase()] = describeOperation(name, operation)
  }
  const info = { title: 'Sluice', summary: 'What operators of a broker see and do', version }
  const license = { name: 'MIT', identifier: 'MIT' }
  const security = [{ key: [] }, { cookie: [], requestToken: [] }]
  return {
    openapi: '3.1.0',
    info: { ...info, license },
    servers: [{ url: API_ROOT }],
    security,
    paths: {
      ...paths,
      ...{ '/events': { get: events }, '/traces/{traceId}/events': { get: traceEvents }, '/console': { get: console } },
      ...loginPaths,
    },
    components: { schemas: { ...viewSchemas(), Problem: problemSchema }, securitySchemes },
  }
}

function describeOperation(name: string, operation: Operation): Json {
  const rows: readonly (readonly [string, ParameterRow])[] = Object.entries(operation.parameters)
  const inBody = rows.filter(([, { place }]) => place === 'body')
  const elsewhere = rows.filter(([, { place }]) => place !== 'body')
  return {
    operationId: name,
    summary: operation.description,
    description: `Takes the role ${operation.role}${operation.isLocal === true ? ', through the Unix domain socket' : ''}.`,
    ...(elsewhere.length > 0 && { parameters: elsewhere.map(describeParameter) }),
    ...(inBody.length > 0 && { requestBody: describeBody(inBody) }),
    responses: describeAnswers(name, operation),
    'x-role': operation.role,
  }
}

function describeParameter([name, row]: readonly [string, ParameterRow]): Json {
  const { place, required, description } = row
  const list = row.type === 'list' ? { style: 'form', explode: false } : {}
  return { name, in: place, required, description, schema: schemaOf(row), ...list }
}

function describeBody(rows: readonly (readonly [string, ParameterRow])[]): Json {
  const properties = Object.fromEntries(
    rows.map(([name, row]) => [name, { ...schemaOf(row), description: row.description }]),
  )
  const required = rows.filter(([, row]) => row.required).map(([name]) => name)
  const schema = { type: 'object', properties, additionalProperties: false, ...(required.length > 0 && { required }) }
  return { required: required.length > 0, content: { 'application/json': { schema } } }
}

function schemaOf({ type, values, minimum, maximum }: ParameterRow): Json {
  const among = values === undefined ? {} : { enum: values }
  if (type === 'text') return { type: 'string', ...among }
  if (type === 'list') return { type: 'array', items: values === undefined ? {} : { type: 'string', ...among } }
  if (type === 'payload') return { oneOf: [{ type: 'string' }, bytesSchema] }
  if (type !== 'integer') return { type }
  return { type, ...among, ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) }
}

const bytesSchema: Json = {
  type: 'object',
  properties: { base64: { type: 'string', contentEncoding: 'base64' } },
  required: ['base64'],
  additionalProperties: false,
}

function problem(description: string): Json {
  const schema = { $ref: '#/components/schemas/Problem' }
  return { description, content: { 'application/problem+json': { schema } } }
}

function describeAnswers(name: string, operation: Operation): Json {
  const isVoid = operation.answer === 'void'
  const success = isVoid
    ? { description: 'Done.' }
    : {
        description: `\`${operation.answer}\`, as \`broker.admin.${name}\` returns it.`,
        content: { 'application/json': { schema: answerSchema(operation.answer, 'fields' in operation.parameters) } },
      }
  const isLookup = /undefined|boolean/.test(operation.answer)
  return {
    [isVoid ? '204' : '200']: success,
    ...(operation.method === 'GET' && { '304': { description: 'Not changed since the ETag in If-None-Match.' } }),
    ...(isLookup && { '404': problem('There is none.') }),
    default: problem('A problem, with a stable code.'),
  }
}

const securitySchemes: Json = {
  key: { type: 'http', scheme: 'bearer', description: 'An API key.' },
  cookie: {
    ...{ type: 'apiKey', in: 'cookie', name: 'sluice-login' },
    description: 'The cookie that `logIn` sets. Its name also has the port, and begins with `__Host-` under TLS.',
  },
  requestToken: {
    ...{ type: 'apiKey', in: 'header', name: 'Sluice-Request-Token' },
    description: 'The `requestToken` that `logIn` returns: requests with the cookie need both.',
  },
}

const someText: Json = { type: 'string', minLength: 1 }

function loginBody(...names: readonly string[]): Json {
  const properties = Object.fromEntries(names.map((name) => [name, someText]))
  return { type: 'object', properties, required: names, additionalProperties: false }
}

/** What no operation is: logging in and out with a browser. */
const loginPaths: Json = {
  '/login': {
    post: {
      operationId: 'logIn',
      summary: 'Logs in with a browser: sets a cookie, and returns the token that requests need besides it.',
      security: [],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { oneOf: [loginBody('token'), loginBody('userName', 'password')] } } },
      },
      responses: { '200': jsonObject('Logged in.'), default: problem('A problem, with a stable code.') },
    },
    get: {
      operationId: 'whoAmI',
      summary: 'Who the caller is, and its role.',
      responses: { '200': jsonObject('Who it is.'), default: problem('A problem, with a stable code.') },
    },
  },
  '/logout': {
    post: {
      operationId: 'logOut',
      summary: 'Ends the login of the caller, and removes its cookie.',
      responses: { '204': { description: 'Logged out.' }, default: problem('A problem, with a stable code.') },
    },
  },
}

function jsonObject(description: string): Json {
  return { description, content: { 'application/json': { schema: { type: 'object' } } } }
}

const events: Json = {
  operationId: 'events',
  summary: 'Live events, as Server-Sent Events.',
  description: 'Takes the role viewer.',
  parameters: [
    {
      name: 'names',
      in: 'query',
      description: 'Only events of these names; default: all, or none with `overview`.',
      schema: { type: 'array', items: { type: 'string', enum: liveEvents } },
      ...{ style: 'form', explode: false },
    },
    {
      name: 'overview',
      in: 'query',
      description: 'Seconds after which an `overview` is sent, again and again; default: none is.',
      schema: { type: 'integer', minimum: 1, maximum: MAX_OVERVIEW_SECONDS },
    },
  ],
  responses: {
    '200': { description: 'Events until either side ends it.', content: { 'text/event-stream': {} } },
    default: problem('A problem, with a stable code.'),
  },
  'x-role': 'viewer',
}

const traceEvents: Json = {
  operationId: 'traceEvents',
  summary: 'The records of a trace as they come, as Server-Sent Events.',
  description: 'Takes the role operator.',
  parameters: [
    { name: 'traceId', in: 'path', required: true, description: 'Its `traceId`.', schema: { type: 'string' } },
    {
      name: 'after',
      in: 'query',
      description: '`seq` of the last record that is known; default 0.',
      schema: { type: 'integer', minimum: 0 },
    },
  ],
  responses: {
    '200': { description: '`trace`, then `record`, `lost` and, last, `end`.', content: { 'text/event-stream': {} } },
    '404': problem('There is none.'),
    default: problem('A problem, with a stable code.'),
  },
  'x-role': 'operator',
}

const console: Json = {
  operationId: 'console',
  summary: 'MQTT 5.0 over a WebSocket, as a client of the role of the caller.',
  description:
    'Takes the role operator, and to subscribe, one that may see payloads (`admin.show-payloads`). The subprotocol is `mqtt`. A browser ' +
    'offers the token of its login as a second one, `sluice-request-token.TOKEN`, or a key as `bearer.KEY`. CONNECT leaves the ' +
    'client identifier empty and has no Will.',
  responses: {
    '101': { description: 'MQTT until either side ends it.' },
    '426': problem('The request does not ask for a WebSocket, or something in between has removed that.'),
    default: problem('A problem, with a stable code.'),
  },
  'x-role': 'operator',
}

const problemSchema: Json = {
  type: 'object',
  description: 'A problem document (RFC 9457).',
  properties: {
    type: { type: 'string' },
    status: { type: 'integer' },
    title: { type: 'string' },
    code: { type: 'string', enum: Object.keys(problemTable) },
    detail: { type: 'string', description: 'What is wrong, and the way out.' },
    parameter: { type: 'string', description: 'The parameter that is wrong.' },
    expected: { type: 'string', description: 'What it must be.' },
    limit: { type: 'number', description: 'The limit that was exceeded.' },
    option: { type: 'string', description: 'The key of the configuration that sets it.' },
  },
  required: ['type', 'status', 'title', 'code', 'detail'],
}
