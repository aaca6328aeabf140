/**
 * A folder of append-only files, as the stores see it: the real one is `stores/node-disk.ts`; a simulation has one that is
 * slow, full, or forgets what was not synced. Names are plain file names without a slash.
 *
 * Every method may answer later; what fails rejects with a `StoreError` whose `cause` is the operating system's error.
 *
 * @module
 */

/** A folder of append-only files. A method that fails rejects with a `StoreError`. */
export interface Disk {
  /** The folder, for messages; absent where there is none. */
  readonly path?: string
  /** Opens a file for appending, creating it if it is missing; a new name is durable after `syncNames`. */
  open(name: string): Promise<DiskFile>
  /** The whole names that exist, sorted. */
  list(): Promise<readonly string[]>
  remove(name: string): Promise<void>
  /** Puts `to` in the place of whatever had that name, at once or not at all. */
  rename(from: string, to: string): Promise<void>
  /** Makes creations, removals and renames durable (the directory's own sync). */
  syncNames(): Promise<void>
  /** Bytes that can still be written to it; Infinity where there is no end. Absent: not known, and taken for no end. */
  freeBytes?(): Promise<number>
}

/** One append-only file. */
export interface DiskFile {
  /** Bytes that are in the file, whether synced or not. */
  readonly size: number
  /** Adds `bytes` at the end; done when the operating system has them, which is not yet durable. */
  append(bytes: Uint8Array): Promise<void>
  /** Done when everything appended so far is durable. */
  sync(): Promise<void>
  /** Reads up to `length` bytes from `at`; fewer only at the end of the file. */
  read(at: number, length: number): Promise<Uint8Array>
  /** Cuts the file back to its first `size` bytes. */
  cut(size: number): Promise<void>
  close(): Promise<void>
}
