import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'

const STATIC_IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?'([^']+)'/gm

/** Every file and package that is loaded with these files, without what they load later by `import()`. */
function loadedWith(files: readonly string[]): Set<string> {
  const loaded = new Set<string>()
  const visit = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(STATIC_IMPORT)) {
      if (specifier.startsWith('.')) visit(posix.join(posix.dirname(file), specifier))
      else if (!specifier.startsWith('node:')) loaded.add(specifier)
    }
  }
  files.forEach(visit)
  return loaded
}

/** `sluice start` without a configuration file. */
const bare = loadedWith(['src/cli/main.ts', 'src/cli/start.ts', 'src/admin/http/http-door.ts'])

test('a bare broker loads two packages', () => {
  assert.deepEqual([...bare].filter((name) => !name.startsWith('src/')).sort(), ['pino', 'valibot'])
})

test('a bare broker loads neither TLS nor a WebSocket listener, no plugin, and none of the other commands', () => {
  const needless = /\/(tls-|websocket-door|listeners\/(client-)?certificate|revocation|commands|operator\/)/
  assert.deepEqual(
    [...bare].filter((name) => needless.test(name) || /^src\/plugins\/(?!registry)/.test(name)),
    [],
  )
})
