/**
 * Replaces a file as a whole, so that a crash or a loss of power leaves the old one or the new one:
 *
 *   write FILE.new ──> sync it ──> rename to FILE ──> sync the folder
 *
 * @module
 */
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file that only its owner can read. Its folder is made if there is none.
 *
 * @throws {Error} of the operating system; the file is then as it was
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await written(`${path}.new`, text)
  await rename(`${path}.new`, path)
  await synced(folder)
}

async function written(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A name is on the disk once its folder is. */
async function synced(folder: string): Promise<void> {
  const opened = await open(folder, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}
