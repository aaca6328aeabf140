/** Lines of the audit log, and how `broker.admin` shows them. @module */

/** An action that was done, or refused, through the HTTP API. */
export interface AuditView {
  /** When, in ISO 8601. */
  readonly time: string
  /** Such as `key 3f9a01b2c4d5 (deploy)`. */
  readonly who: string
  /** IP address; empty for the Unix domain socket. */
  readonly from: string
  /** The operation. */
  readonly what: string
  /** Without secrets; `undefined` for none, or for too many. */
  readonly parameters?: object
  /** Of the answer, as HTTP has it. */
  readonly status: number
  /** Of the error; `undefined` if there was none. */
  readonly code?: string
}

/** The parameters of the operation. */
export interface AuditParameters {
  auditLog: { readonly limit?: number | undefined }
}

/** What operators have done. */
export interface AuditAdmin {
  /** The latest lines of the audit log, the newest first; none if it is not written. */
  auditLog(parameters?: AuditParameters['auditLog']): Promise<readonly AuditView[]>
}
