/**
 * Lists the declarations of the package for its users: the names that each entry point exports, and the names that only
 * their signatures mention. The compiler reads them from the declaration files, instead of this tool guessing from
 * their text.
 *
 * The compiler's interface for programs is not stable yet. All of it that we use is in this file and in
 * `api-entries.ts`, and the lock file holds the version that it was written for.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix, relative, sep } from 'node:path'
import type { Node, SourceFile } from 'typescript/unstable/ast'
import {
  isConstructorDeclaration,
  isIdentifier,
  isPrivateIdentifier,
  isSourceFile,
  isTypeAliasDeclaration,
  isTypeReferenceNode,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'
import type { Checker, Project, Symbol as Declared } from 'typescript/unstable/sync'

/** One row of package.json's `exports` that has types. */
export interface EntryPoint {
  /** The specifier that a program imports: `sluice`, `sluice/testing`. */
  readonly specifier: string
  /** The absolute path of its declaration file. */
  readonly file: string
}

/** A name that an entry point exports. */
export interface ExportedName {
  readonly name: string
  /** The file that declares it, as a path from the folder of all declarations. */
  readonly file: string
  /** Several for a name that is both a value and a type, and for an overloaded function. */
  readonly declarations: readonly Declaration[]
}

/** A part of a declaration file. */
export interface Declaration {
  readonly node: Node
  readonly source: SourceFile
}

/** A name that occurs in a signature of the entry point and cannot be imported. */
export interface MissingName {
  readonly name: string
  readonly file: string
  /** The exported names whose declarations mention it, directly or through other missing ones. */
  readonly mentionedBy: readonly string[]
}

export interface EntryDeclarations extends EntryPoint {
  readonly exports: readonly ExportedName[]
  readonly missing: readonly MissingName[]
}

/** The entry points of a package.json, with their declaration files below `folder` instead of below `dist`. */
export function entryPoints(packageFile: string, folder: string): EntryPoint[] {
  const { name, exports } = JSON.parse(readFileSync(packageFile, 'utf8')) as {
    readonly name: string
    readonly exports: Readonly<Record<string, string | { readonly types?: string }>>
  }
  return Object.entries(exports).flatMap(([path, target]) => {
    const types = typeof target === 'string' ? undefined : target.types
    if (types === undefined) return []
    return [{ specifier: posix.join(name, path), file: join(folder, types.replace(/^\.\/dist\//, '')) }]
  })
}

/**
 * Reads entry points and passes their declarations to `use`; the nodes are valid only while it runs. The first entry
 * point is the main one: the others need not export its names again.
 */
export function readDeclarations<Result>(
  folder: string,
  entries: readonly EntryPoint[],
  use: (entries: readonly EntryDeclarations[]) => Result,
): Result {
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-declarations-'))
  const api = new API({ cwd: folder })
  try {
    const config = join(scratch, 'tsconfig.json')
    const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, types: [] }
    writeFileSync(config, JSON.stringify({ compilerOptions, files: entries.map(({ file }) => file) }))
    const snapshot = api.updateSnapshot({ openProjects: [config] })
    const [project] = snapshot.getProjects()
    const reader = new DeclarationReader(project!, folder)
    return use(reader.all(entries))
  } finally {
    api.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** An exported name with its target, and for an alias the target of that. */
interface Named {
  readonly name: string
  readonly targets: readonly Declared[]
}

class DeclarationReader {
  readonly #project: Project
  readonly #checker: Checker
  readonly #folder: string

  constructor(project: Project, folder: string) {
    this.#project = project
    this.#checker = project.checker
    this.#folder = folder
  }

  all(entries: readonly EntryPoint[]): EntryDeclarations[] {
    const inMain = new Set<number>()
    return entries.map((entry, index) => {
      const symbols = this.#exportsOf(entry)
      const known = new Set([...inMain, ...symbols.flatMap(({ targets }) => targets.map(({ id }) => id))])
      if (index === 0) for (const id of known) inMain.add(id)
      const exports = symbols.map(({ name, targets }) => this.#exported(name, targets))
      return { ...entry, exports, missing: this.#missing(symbols, known) }
    })
  }

  #exportsOf({ file, specifier }: EntryPoint): Named[] {
    const source = this.#project.program.getSourceFile(file)
    const module = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${specifier}: ${file} is not a module; build it first`)
    return this.#checker.getExportsOfModule(module).map((symbol) => {
      const target = this.#target(symbol)
      return { name: symbol.name, targets: [target, ...this.#renamed(target)] }
    })
  }

  /** The target of `type Name = Other`: users know it by the new name. */
  #renamed(symbol: Declared): Declared[] {
    return this.#declarations(symbol).flatMap(({ node }) => {
      if (!isTypeAliasDeclaration(node) || !isTypeReferenceNode(node.type) || node.type.typeArguments !== undefined)
        return []
      const other = this.#checker.getSymbolAtLocation(node.type.typeName)
      const target = other === undefined ? undefined : this.#target(other)
      return target !== undefined && this.#isOurs(target) ? [target] : []
    })
  }

  /** The target of a name that is imported or re-exported. */
  #target(symbol: Declared): Declared {
    const isAlias = symbol.declarations.some(({ kind }) => ALIASES.has(kind))
    return isAlias ? this.#checker.getAliasedSymbol(symbol) : symbol
  }

  #exported(name: string, targets: readonly Declared[]): ExportedName {
    const declarations = targets.flatMap((target) => this.#declarations(target))
    return { name, file: this.#pathOf(declarations[0]!.source), declarations }
  }

  #declarations(symbol: Declared): Declaration[] {
    return symbol.declarations.flatMap((handle) => {
      const node = handle.resolve(this.#project)
      return node === undefined ? [] : [{ node, source: node.getSourceFile() }]
    })
  }

  #pathOf(source: SourceFile): string {
    return relative(this.#folder, source.fileName).split(sep).join('/')
  }

  /** Follows every mention from every export, including missing names, so that all are reported at once. */
  #missing(symbols: readonly Named[], known: ReadonlySet<number>): MissingName[] {
    const found = new Map<number, { name: string; file: string; mentionedBy: Set<string> }>()
    const line = symbols.flatMap(({ name, targets }) =>
      targets.map((target, index) => ({ name, target, isValue: index === 0 })),
    )
    for (const { name, target, isValue } of line) {
      for (const mentioned of this.#mentions(target, isValue)) {
        if (known.has(mentioned.id)) continue
        let entry = found.get(mentioned.id)
        if (entry === undefined) {
          const [{ source }] = this.#declarations(mentioned) as [Declaration]
          entry = { name: mentioned.name, file: this.#pathOf(source), mentionedBy: new Set() }
          found.set(mentioned.id, entry)
          line.push({ name: mentioned.name, target: mentioned, isValue: false })
        }
        entry.mentionedBy.add(name)
      }
    }
    return [...found.values()].map((entry) => ({ ...entry, mentionedBy: [...entry.mentionedBy] }))
  }

  /**
   * The names of our own modules that occur in the declarations of `symbol`.
   *
   * @param isValue false for a class of which only the type is exported, so that its constructor cannot be called
   */
  #mentions(symbol: Declared, isValue: boolean): Declared[] {
    const names = this.#declarations(symbol).flatMap(({ node }) => identifiersIn(node, isValue))
    if (names.length === 0) return []
    const mentioned = this.#checker.getSymbolAtLocation(names)
    const targets = mentioned.flatMap((one) => (one === undefined ? [] : [this.#target(one)]))
    return targets.filter((one) => one.id !== symbol.id && this.#isOurs(one))
  }

  /**
   * Whether it is declared at the top of one of our modules, so that it could be exported: not a member or parameter.
   */
  #isOurs(symbol: Declared): boolean {
    return this.#declarations(symbol).some(({ node, source }) => {
      const path = this.#pathOf(source)
      if (path.startsWith('..') || path.includes('node_modules')) return false
      const isVariable = node.kind === SyntaxKind.VariableDeclaration
      return STATEMENTS.has(node.kind) && isSourceFile(isVariable ? node.parent.parent.parent : node.parent)
    })
  }
}

const ALIASES: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.ExportSpecifier,
  SyntaxKind.ImportSpecifier,
  SyntaxKind.ImportClause,
  SyntaxKind.NamespaceImport,
  SyntaxKind.NamespaceExport,
  SyntaxKind.ExportAssignment,
  SyntaxKind.ImportEqualsDeclaration,
])

const STATEMENTS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.ClassDeclaration,
  SyntaxKind.EnumDeclaration,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.VariableDeclaration,
])

/** Every identifier below `node` that a user can see, which excludes private members. */
function identifiersIn(node: Node, isValue: boolean): Node[] {
  if (isIdentifier(node)) return [node]
  if (isPrivate(node) || (!isValue && isConstructorDeclaration(node))) return []
  const found: Node[] = []
  node.forEachChild((child) => {
    found.push(...identifiersIn(child, isValue))
  })
  return found
}

/** Whether a member is marked `private`, or is the `#private` that represents all private members. */
export function isPrivate(node: Node): boolean {
  const { modifiers, name } = node as Node & { modifiers?: Iterable<Node>; name?: Node }
  if (name !== undefined && isPrivateIdentifier(name)) return true
  return modifiers !== undefined && [...modifiers].some(({ kind }) => kind === SyntaxKind.PrivateKeyword)
}
