/** A request and its answer as `node:http` has them, whoever's server it is. @module */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatheredBytes } from '../../base/gathered-bytes.ts'
import { Problem } from './problem.ts'
import type { Answer } from './request.ts'

/** Aborted when the connection is lost before the answer is written. */
export function lossOf(response: ServerResponse): AbortSignal {
  const loss = new AbortController()
  if (response.destroyed) loss.abort()
  response.once('close', () => {
    if (!response.writableFinished) loss.abort()
  })
  return loss.signal
}

/** @param isOption whether the limit can be configured */
export function bodyOf(request: IncomingMessage, limit: number, isOption: boolean): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (request.readableEnded) return reject(readBefore())
    const body = new GatheredBytes(limit)
    const refuse = (problem: Problem): void => {
      request.off('data', take).pause()
      reject(problem)
    }
    const take = (piece: Buffer): void => {
      if (!body.add(piece)) refuse(tooLarge(limit, isOption))
    }
    if (Number(request.headers['content-length'] ?? 0) > limit) return refuse(tooLarge(limit, isOption))
    request.on('data', take)
    request.once('end', () => resolve(body.bytes))
    request.once('close', () => reject(new Problem('ERR_USAGE', 'the request ended within its body')))
  })
}

function tooLarge(limit: number, isOption: boolean): Problem {
  const fields = { limit, ...(isOption && { option: 'admin.max-request-bytes' }) }
  return new Problem('ERR_BODY_SIZE', `the body has more than ${limit} bytes`, fields)
}

function readBefore(): Problem {
  return new Problem('ERR_USAGE', 'this program has read the body already: let it do that after the handler of the API')
}

export function send(response: ServerResponse, { status, headers, body }: Answer, isHead: boolean): void {
  if (response.destroyed) return
  const length = body.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)
  const hasBody = status !== 204 && status !== 304
  response.writeHead(status, hasBody ? { ...headers, 'Content-Length': String(length) } : headers)
  response.cork()
  if (hasBody && !isHead) for (const piece of body) response.write(piece)
  response.end()
}

interface Following {
  /** Whether there is nothing to follow: only the head is written. */
  readonly isOver: boolean
  /** How long a peer may take no more at the end. */
  readonly timeoutMs: number
  /** What ends each of those who follow events. */
  readonly followers: Set<() => void>
}

/** Writes events until either side ends it. */
export function follow(response: ServerResponse, answer: Answer, { isOver, timeoutMs, followers }: Following): void {
  response.shouldKeepAlive = false
  response.writeHead(answer.status, answer.headers)
  if (isOver) return void response.end()
  const { socket } = response
  const close = (): void => {
    response.end(() => socket?.destroy())
    // A peer that does not read never gets to the end.
    socket?.setTimeout(timeoutMs)
  }
  const waitingBytes = (): number => response.writableLength
  const end = answer.follow!({
    // It has ended, and a slow peer is still reading what was written before: a further write would be an error.
    write: (text) => {
      if (!response.writableEnded) response.write(text)
    },
    close,
    get waitingBytes() {
      return waitingBytes()
    },
  })
  followers.add(close)
  response.once('close', () => {
    followers.delete(close)
    end()
  })
}
