/**
 * A folder of append-only files, as the stores see it. The real one is `stores/node-disk.ts`; a simulation has one that
 * is slow, full, or forgets what was not synced. Names are plain file names without a slash.
 *
 * Every method is asynchronous; a failure rejects with a `StoreError` whose `cause` is the operating system's error.
 *
 * @module
 */

/** A folder of append-only files. A method that fails rejects with a `StoreError`. */
export interface Disk {
  /** The folder, for messages; absent if there is none. */
  readonly path?: string
  /** Opens a file for appending, creating it if it is missing; a new name is durable after `syncNames`. */
  open(name: string): Promise<DiskFile>
  /** The names of all files, sorted. */
  list(): Promise<readonly string[]>
  remove(name: string): Promise<void>
  /** Replaces any file named `to`, atomically. */
  rename(from: string, to: string): Promise<void>
  /** Makes creations, removals and renames durable (by syncing the directory). */
  syncNames(): Promise<void>
  /** Bytes that can still be written; Infinity if there is no limit. Absent: unknown, and taken for no limit. */
  freeBytes?(): Promise<number>
}

/** One append-only file. */
export interface DiskFile {
  /** Bytes in the file, whether synced or not. */
  readonly size: number
  /** Appends `bytes`; resolves when the operating system has them, which does not make them durable. */
  append(bytes: Uint8Array): Promise<void>
  /** Resolves when everything appended so far is durable. */
  sync(): Promise<void>
  /** Reads up to `length` bytes from `at`; fewer only at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>
  /** Truncates the file to its first `size` bytes. */
  cut(size: number): Promise<void>
  close(): Promise<void>
}
