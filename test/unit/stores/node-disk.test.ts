import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { openNodeDisk } from '../../../src/stores/node-disk.ts'

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
  context.after(() => rm(path, { recursive: true }))
  return path
}

function isError(code: string, cause?: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof StoreError &&
    error.code === code &&
    (cause === undefined || (error.cause as NodeJS.ErrnoException).code === cause)
}

test('appends, reads, cuts, renames and removes', async (context) => {
  const disk = await openNodeDisk(join(await folder(context), 'made', 'for me'))
  const file = await disk.open('a.log')
  await file.append(Buffer.from('hello '))
  await file.append(Buffer.from('world'))
  await file.sync()
  assert.equal(file.size, 11)
  assert.equal(Buffer.from(await file.read(6, 100)).toString(), 'world')
  await file.cut(5)
  await file.append(Buffer.from('!'))
  assert.equal(Buffer.from(await file.read(0, 100)).toString(), 'hello!')
  await file.close()
  await disk.rename('a.log', 'b.log')
  await disk.syncNames()
  const again = await disk.open('b.log')
  assert.equal(again.size, 6)
  await again.close()
  await disk.remove('b.log')
  assert.equal((await disk.list()).includes('b.log'), false)
  await disk.close()
})

test('a runtime may say that there is no error by nothing, where Node says null', async (context) => {
  const names = [
    'open',
    'close',
    'read',
    'write',
    'stat',
    'fstat',
    'fdatasync',
    'fsync',
    'readdir',
    'mkdir',
    'rename',
    'unlink',
  ] as const
  const tame = fs as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of names) {
    const original = tame[name]!
    context.mock.method(tame, name, (...args: unknown[]) => {
      const done = args.pop() as (error: unknown, ...rest: unknown[]) => void
      return original(...args, (error: unknown, ...rest: unknown[]) => done(error ?? undefined, ...rest))
    })
  }
  syncBuiltinESMExports()
  const disk = await openNodeDisk(join(await folder(context), 'made'))
  const file = await disk.open('a.log')
  await file.append(Buffer.from('hello'))
  await file.sync()
  assert.equal(Buffer.from(await file.read(0, 100)).toString(), 'hello')
  await file.close()
  await disk.rename('a.log', 'b.log')
  await disk.syncNames()
  assert.equal((await disk.list()).includes('b.log'), true)
  await disk.remove('b.log')
  await disk.close()
  context.mock.restoreAll()
  syncBuiltinESMExports()
})

test('what fails says what, where and why', async (context) => {
  const path = await folder(context)
  const disk = await openNodeDisk(path)
  await assert.rejects(disk.remove('missing'), isError('ERR_STORE_DISK', 'ENOENT'))
  await disk.close()
  await writeFile(join(path, 'file'), '')
  const file = join(path, 'file')
  for (const below of [file, join(file, 'below')]) {
    await assert.rejects(openNodeDisk(below), (error: Error) => {
      assert.ok(isError('ERR_STORE_DISK', 'EEXIST')(error))
      assert.ok(error.message.startsWith(`${file} is a file, not a folder: `), error.message)
      return true
    })
  }
})

test('a folder that this user may not write to is named, and not the lock in it', async (context) => {
  const path = await folder(context)
  await chmod(path, 0o555)
  // Root may write anywhere.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65534)
  try {
    await assert.rejects(openNodeDisk(path), (error: Error) => {
      assert.ok(isError('ERR_STORE_ACCESS', 'EACCES')(error), error.message)
      assert.ok(error.message.includes(`may not write to the folder ${path} (EACCES)`), error.message)
      return true
    })
  } finally {
    if (isRoot) process.seteuid?.(0)
    await chmod(path, 0o700)
  }
})

test(
  'a folder that cannot be made is an error, also where no folder can be made at all',
  { timeout: 60_000 },
  async () => {
    await assert.rejects(openNodeDisk('/proc/none/of/these'), { name: 'StoreError' })
  },
)

test('a second opener is told who has the path; it may have it afterwards', async (context) => {
  const path = await folder(context)
  const disk = await openNodeDisk(path)
  await assert.rejects(openNodeDisk(path), (error: Error) => {
    assert.ok(isError('ERR_STORE_LOCKED')(error))
    assert.ok(error.message.includes(`process ${process.pid}`), error.message)
    return true
  })
  const reader = await openNodeDisk(path, { readOnly: true })
  await assert.rejects(reader.open('new.log'), isError('ERR_STORE_DISK', 'ENOENT'))
  await reader.close()
  await disk.close()
  const next = await openNodeDisk(path)
  await next.close()
  assert.deepEqual(await readdir(path), [])
})

test('of many that open at once exactly one succeeds', async (context) => {
  const path = await folder(context)
  const opened = await Promise.allSettled(Array.from({ length: 8 }, () => openNodeDisk(path)))
  const disks = opened.filter((result) => result.status === 'fulfilled')
  assert.ok(disks.length <= 1, `${disks.length} have it`)
  for (const { value } of disks) await value.close()
})

test('kill -9 leaves nothing stale, also where the path is long', async (context) => {
  const path = join(await folder(context), 'x'.repeat(120))
  await mkdir(path)
  const script = `
    const { openNodeDisk } = await import(${JSON.stringify(new URL('../../../src/stores/node-disk.js', import.meta.url).href)})
    await openNodeDisk(${JSON.stringify(path)})
    console.log('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await assert.rejects(openNodeDisk(path), (error: Error) => error.message.includes(`process ${child.pid}`))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  const disk = await openNodeDisk(path)
  assert.deepEqual(await disk.list(), ['lock-2'])
  await disk.close()
})

test('a folder that is made is durable by its name: every folder that it was made in is synced', async (context) => {
  const path = await folder(context)
  const opened = new Map<number, string>()
  const synced: string[] = []
  const { open, fsync } = fs
  fs.open = ((name: string, flags: number, mode: unknown, done?: unknown) => {
    const last = (done ?? mode) as (error: Error | null, descriptor: number) => void
    open(name, flags, (error, descriptor) => {
      if (error === null) opened.set(descriptor, name)
      last(error, descriptor)
    })
  }) as typeof fs.open
  fs.fsync = ((descriptor: number, done: (error: Error | null) => void) => {
    synced.push(opened.get(descriptor)!)
    fsync(descriptor, done)
  }) as typeof fs.fsync
  syncBuiltinESMExports()
  try {
    for (let time = 0; time < 2; time++) await (await openNodeDisk(join(path, 'one', 'two'))).close()
  } finally {
    Object.assign(fs, { open, fsync })
    syncBuiltinESMExports()
  }
  // The second time it was there: a process that made it may have ended, or an operator made it, before anything was
  // durable.
  assert.deepEqual(synced, [path, join(path, 'one'), join(path, 'one')])
})

test('how much of the volume is free is known', async (context) => {
  const disk = await openNodeDisk(await folder(context))
  const free = await disk.freeBytes()
  assert.ok(free > 0 && Number.isFinite(free))
  await disk.close()
})

test('an owner that lets this user not even ask is alive', async (context) => {
  const path = await folder(context)
  await chmod(path, 0o777)
  const disk = await openNodeDisk(path)
  await chmod(join(path, 'lock-1'), 0)
  // Root may ask everybody, so the process gives that right up; only after its imports, since where Node and this
  // checkout are may be root's alone.
  const module = JSON.stringify(new URL('../../../src/stores/path-lock.js', import.meta.url).href)
  const script = `const { lockPath } = await import(${module})
    if (process.getuid?.() === 0) {
      process.setgid(65_534)
      process.setuid(65_534)
    }
    await lockPath(${JSON.stringify(path)}).then(() => console.log('taken'), (error) => console.log(error.code))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(stdout.trim(), 'ERR_STORE_LOCKED', stderr)
  await disk.close()
})
