/** The page as files: what is served, how it may be kept, and that nothing else can be reached. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { Answer, RequestHead } from '../../../../src/admin/http/request.ts'
import { PAGE_POLICY, PageFiles } from '../../../../src/admin/page/page-files.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { TestApi, REMOTE } from '../http/support.ts'

const SCRIPT = 'export const one = 1\n'

function builtPage(): PageFiles {
  const folder = join(scratchFolder(), 'page')
  mkdirSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(folder, 'assets/index-abcdefgh.js'), SCRIPT)
  writeFileSync(join(folder, 'assets/index-abcdefgh.js.br'), brotliCompressSync(SCRIPT))
  writeFileSync(join(folder, 'assets/index-abcdefgh.js.gz'), gzipSync(SCRIPT))
  writeFileSync(join(folder, 'assets/notes.txt'), 'not of the page')
  writeFileSync(join(folder, '../secret.html'), 'outside')
  return new PageFiles([join(folder, 'absent'), folder])
}

function asked(headers: RequestHead['headers'] = {}): RequestHead {
  return { method: 'GET', target: '', headers, address: REMOTE, isEncrypted: false }
}

async function answered(page: PageFiles, path: string, headers: RequestHead['headers'] = {}): Promise<Answer> {
  const answer = await page.answer(path, asked(headers))
  assert(answer !== undefined, `${path} is not served`)
  return answer
}

const ASSET = '/assets/index-abcdefgh.js'

test('the document is asked for again each time, what has a hash in its name never', async () => {
  const page = builtPage()
  const document = await answered(page, '/')
  assert.equal(document.headers['Content-Type'], 'text/html; charset=utf-8')
  assert.equal(document.headers['Cache-Control'], 'no-cache')
  assert.equal(document.headers['Content-Security-Policy'], PAGE_POLICY)
  const asset = await answered(page, ASSET)
  assert.equal(asset.headers['Content-Type'], 'text/javascript; charset=utf-8')
  assert.equal(asset.headers['Cache-Control'], 'public, max-age=31536000, immutable')
})

const encodings: readonly (readonly [accepted: string | undefined, encoding: string | undefined])[] = [
  [undefined, undefined],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip', 'gzip'],
  ['br;q=0, gzip;q=0.5', 'gzip'],
  ['br; q=0.0', undefined],
  ['GZIP', 'gzip'],
  ['xbr', undefined],
]

for (const [accepted, encoding] of encodings) {
  test(`Accept-Encoding ${accepted ?? 'absent'} gets ${encoding ?? 'the file itself'}`, async () => {
    const { headers, body } = await answered(builtPage(), ASSET, { 'accept-encoding': accepted })
    assert.equal(headers['Content-Encoding'], encoding)
    const compressed = encoding === 'br' ? brotliCompressSync(SCRIPT) : gzipSync(SCRIPT)
    assert.deepEqual(Buffer.from(body[0] as Uint8Array), encoding === undefined ? Buffer.from(SCRIPT) : compressed)
  })
}

test('who has the document already is answered 304', async () => {
  const page = builtPage()
  const { headers } = await answered(page, '/')
  const again = await answered(page, '/', { 'if-none-match': headers['ETag'] })
  assert.equal(again.status, 304)
  assert.deepEqual(again.body, [])
})

for (const path of [
  '/../secret.html',
  '/..%2fsecret.html',
  '/assets/notes.txt',
  `${ASSET}.br`,
  '/assets',
  '/index.html',
]) {
  test(`${path} is no file of the page`, async () => {
    assert.equal(await builtPage().answer(path, asked()), undefined)
  })
}

test('a checkout that was not built has no page, and its API answers all the same', async () => {
  assert.equal(await new PageFiles(['/nowhere']).answer('/', asked()), undefined)
})

test('the page is served without a login, to nobody who calls the broker by the name of another site', async () => {
  const api = await TestApi.start({}, {}, builtPage())
  assert.equal((await api.ask('GET', '//', { address: REMOTE })).status, 200)
  const { headers } = await api.ask('GET', '//', { address: REMOTE })
  assert.equal(headers['X-Content-Type-Options'], 'nosniff')
  assert.equal(
    (await api.problem('GET', '//', { address: REMOTE, headers: { host: 'evil.example' } })).code,
    'ERR_HOST',
  )
  assert.equal((await api.problem('POST', '//', { address: REMOTE })).code, 'ERR_METHOD')
  assert.equal((await api.problem('GET', '//nothing', { address: REMOTE })).code, 'ERR_NOT_FOUND')
  await api.close()
})
