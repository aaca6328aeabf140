/** The latest lines of the audit log, from the end of its file. @module */
import { open } from 'node:fs/promises'
import type { AuditView } from '../../broker/host/audit-view.ts'
import { DEFAULT_LIMIT } from '../../broker/host/page.ts'
import type { AuditLog } from '../http/audit-log.ts'

/** Of each file: its last lines are what is asked for, and to parse more would take the broker too long. */
const READ_BYTES = 262_144

/** @returns the newest first; none if no audit log is written */
export async function latestActions(audit: AuditLog, limit: number = DEFAULT_LIMIT): Promise<readonly AuditView[]> {
  if (audit.path === '') return []
  await audit.flush()
  const lines = await lastLines(audit.path)
  const before = lines.length < limit ? await lastLines(`${audit.path}.1`) : []
  const latest = [...before, ...lines].slice(-limit).toReversed()
  return latest.flatMap(viewOf)
}

/** Whole lines at the end of a file; none if there is no such file. */
async function lastLines(path: string): Promise<readonly string[]> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return []
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - READ_BYTES)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    return lines.slice(from > 0 ? 1 : 0).filter((line) => line !== '')
  } finally {
    await file.close()
  }
}

/** A full disk may have left half a line. */
function viewOf(line: string): AuditView[] {
  try {
    const { time, who, from, what, parameters, status, code } = JSON.parse(line) as AuditView
    const optional = { ...(parameters !== undefined && { parameters }), ...(code !== undefined && { code }) }
    return [{ time, who, from, what, ...optional, status }]
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
