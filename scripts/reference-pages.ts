import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { format } from 'prettier';
import ts from 'typescript';

/**
 * The reference of the two libraries, made from their doc comments: `node scripts/reference-pages.ts`.
 * Everything that a library exports has an entry, with its type as the compiler sees it.
 */

/** One page: what of a library's exports goes on it, by the folder or file they are defined in. */
interface Page {
  readonly path: string;
  readonly title: string;
  readonly intro: string;
  readonly entry: string;
  readonly takes: (source: string) => boolean;
}

const LIBVIRT = 'src/libvirt/index.ts';
const isIn = (folder: string) => (source: string) => source.startsWith(`src/libvirt/${folder}/`);
const TABLES = ['procedures', 'flags', 'events'];

const PAGES: readonly Page[] = [
  {
    path: 'docs/libvirt/reference.md',
    title: 'berth/libvirt: connections',
    intro:
      'Connections, calls, streams, event feeds and errors. [Procedures](procedures-reference.md), [events](events-reference.md) and [flags](flags-reference.md) have pages of their own.',
    entry: LIBVIRT,
    takes: (source) => !TABLES.some((folder) => isIn(folder)(source)),
  },
  {
    path: 'docs/libvirt/procedures-reference.md',
    title: 'berth/libvirt: procedures',
    intro:
      'Every call, by its subject: arguments, then what it answers. Each carries libvirt’s own name, so libvirt’s manual is the manual. 64-bit numbers are `bigint`.',
    entry: LIBVIRT,
    takes: isIn('procedures'),
  },
  {
    path: 'docs/libvirt/events-reference.md',
    title: 'berth/libvirt: events',
    intro: 'What `subscribe` can be asked for, and what feeds are.',
    entry: LIBVIRT,
    takes: isIn('events'),
  },
  {
    path: 'docs/libvirt/flags-reference.md',
    title: 'berth/libvirt: flags and enumerations',
    intro: 'Bits are combined with `|`. Names are libvirt’s less their prefix.',
    entry: LIBVIRT,
    takes: isIn('flags'),
  },
  {
    path: 'docs/xml/reference.md',
    title: 'berth/xml',
    intro: 'Lossless trees of libvirt XML, and what is read of each kind of document.',
    entry: 'src/xml/index.ts',
    takes: () => true,
  },
];

/** The pages by their paths. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const exports = everyExport();
  const pages = new Map<string, string>();
  for (const page of PAGES) {
    const text = pageText(page, exports.get(page.entry) ?? []);
    pages.set(page.path, await format(text, { parser: 'markdown', printWidth: 100 }));
  }
  return pages;
}

/** Exports that say nothing of themselves, by their names and files. */
export function undocumented(): readonly string[] {
  return [...everyExport().values()]
    .flat()
    .flatMap(({ name, source, said }) => (said ? [] : [`${name} (${source})`]));
}

let known: ReadonlyMap<string, readonly Entry[]> | undefined;

/** What each library exports; the compiler takes seconds for it, so it is asked once. */
function everyExport(): ReadonlyMap<string, readonly Entry[]> {
  const entries = [...new Set(PAGES.map(({ entry }) => entry))];
  if (known === undefined) {
    const writer = new Writer(programOf(entries));
    known = new Map(entries.map((entry) => [entry, writer.exportsOf(entry)]));
  }
  return known;
}

function programOf(entries: readonly string[]): ts.Program {
  const { config } = ts.readConfigFile('tsconfig.base.json', (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
  return ts.createProgram(entries, {
    ...options,
    noEmit: true,
    composite: false,
    incremental: false,
    declarationMap: false,
    allowImportingTsExtensions: true,
    rewriteRelativeImportExtensions: false,
    types: ['node'],
  });
}

/** An export, ready to be written down. */
interface Entry {
  readonly name: string;
  /** Where it is defined, from the checkout's root. */
  readonly source: string;
  readonly text: readonly string[];
  /** Whether it has a doc comment. */
  readonly said: boolean;
}

function pageText(page: Page, entries: readonly Entry[]): string {
  const made = 'This page is made from the doc comments by `node scripts/reference-pages.ts`.';
  const groups = Map.groupBy(
    entries.filter(({ source }) => page.takes(source)),
    ({ source }) => source,
  );
  return [
    `# ${page.title}`,
    '',
    page.intro,
    '',
    made,
    ...[...groups].flatMap(([source, group]) => [
      '',
      `## ${basename(source, '.ts')}`,
      '',
      ...group.flatMap(({ text }) => [...text, '']),
    ]),
  ].join('\n');
}

/** Writes exports down by what the compiler knows of them. */
class Writer {
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;

  constructor(program: ts.Program) {
    this.#program = program;
    this.#checker = program.getTypeChecker();
  }

  exportsOf(entry: string): readonly Entry[] {
    const file = this.#program.getSourceFile(entry);
    const module = file && this.#checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${entry} exports nothing`);
    return this.#checker
      .getExportsOfModule(module)
      .map((symbol) => this.#entry(symbol))
      .toSorted((a, b) => compare(a.source, b.source));
  }

  #entry(exported: ts.Symbol): Entry {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? this.#checker.getAliasedSymbol(exported) : exported;
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined) throw new Error(`${exported.name} is declared nowhere`);
    const source = relative(process.cwd(), declaration.getSourceFile().fileName);
    const text = [`### ${exported.name}`, '', ...this.#body(symbol, declaration)];
    const said = symbol.getDocumentationComment(this.#checker).length > 0;
    return { name: exported.name, source, text, said };
  }

  #body(symbol: ts.Symbol, declaration: ts.Declaration): readonly string[] {
    const doc = this.#doc(symbol);
    if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) {
      return [...doc, ...this.#members(symbol, declaration)];
    }
    if (ts.isTypeAliasDeclaration(declaration)) {
      return [...code(declaration.getText().replace(/^export /, '')), ...doc];
    }
    if (ts.isFunctionDeclaration(declaration)) {
      return [...code(`function ${symbol.name}${this.#signature(symbol, declaration)}`), ...doc];
    }
    const type = this.#checker.getTypeOfSymbolAtLocation(symbol, declaration);
    const call = this.#procedure(symbol, type);
    if (call !== undefined) return [...code(call), ...doc];
    const table = this.#table(type);
    if (table !== undefined) return [...doc, ...table];
    return [...code(`const ${symbol.name}: ${this.#text(type)}`), ...doc];
  }

  /** A procedure reads best as what is sent and what comes back. */
  #procedure(symbol: ts.Symbol, type: ts.Type): string | undefined {
    const name = type.aliasSymbol?.name ?? type.symbol?.name;
    if (name !== 'CallProcedure' && name !== 'StreamProcedure') return undefined;
    const [args, result, direction] =
      type.aliasTypeArguments ?? this.#checker.getTypeArguments(type as ts.TypeReference);
    if (args === undefined || result === undefined) return undefined;
    const stream = direction === undefined ? '' : ` + stream (${this.#text(direction)})`;
    return `${symbol.name}(${this.#fields(args)}) => ${this.#fields(result)}${stream}`;
  }

  #fields(type: ts.Type): string {
    const fields = this.#checker.getPropertiesOfType(type).map((field) => {
      const optional = (field.flags & ts.SymbolFlags.Optional) !== 0;
      const own = this.#checker.getTypeOfSymbol(field);
      const shown = optional ? this.#checker.getNonNullableType(own) : own;
      if (optional && (shown.flags & ts.TypeFlags.Never) !== 0) return undefined; // set by the client itself
      return `${field.name}${optional ? '?' : ''}: ${this.#text(shown)}`;
    });
    const there = fields.filter((field) => field !== undefined);
    return there.length === 0 ? '{}' : `{ ${there.join('; ')} }`;
  }

  /** Flags, enumerations and groups of events: one row a member. */
  #table(type: ts.Type): readonly string[] | undefined {
    const members = this.#checker.getPropertiesOfType(type);
    const rows = members.map((member) => {
      const own = this.#checker.getTypeOfSymbol(member);
      const event = own.symbol?.name === 'EventKind' ? this.#eventBody(own) : undefined;
      const isLiteral = own.isNumberLiteral() || own.isStringLiteral();
      const value = isLiteral ? `${own.value}` : (event ?? bitOf(member));
      if (value === undefined) return undefined;
      return `| \`${member.name}\` | ${value} | ${cell(this.#doc(member))} |`;
    });
    const isTable = rows.length > 0 && rows.every((row) => row !== undefined);
    return isTable ? ['| name | value | |', '| --- | --- | --- |', ...rows] : undefined;
  }

  #eventBody(type: ts.Type): string {
    const [body] = this.#checker.getTypeArguments(type as ts.TypeReference);
    return body === undefined ? '' : `\`${this.#fields(body).replaceAll('|', '\\|')}\``;
  }

  #members(
    symbol: ts.Symbol,
    declaration: ts.InterfaceDeclaration | ts.ClassDeclaration,
  ): readonly string[] {
    const heritage = (declaration.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`);
    const word = ts.isClassDeclaration(declaration) ? 'class' : 'interface';
    const parameters = declaration.typeParameters?.map((one) => one.getText()).join(', ');
    const head = `${word} ${symbol.name}${parameters === undefined ? '' : `<${parameters}>`}${heritage.join('')}`;
    const own = [...(symbol.members?.values() ?? [])].filter(isPublic);
    return [
      ...code(head),
      ...own.flatMap((member) => {
        const [first] = member.declarations ?? [];
        const text = first === undefined ? '' : oneLine(withoutBody(first));
        const doc = this.#doc(member);
        return [`- \`${text}\`${doc.length === 0 ? '' : `: ${doc.join(' ').trim()}`}`];
      }),
    ];
  }

  #signature(symbol: ts.Symbol, declaration: ts.FunctionDeclaration): string {
    const type = this.#checker.getTypeOfSymbolAtLocation(symbol, declaration);
    const [signature] = type.getCallSignatures();
    return signature === undefined
      ? '()'
      : this.#checker.signatureToString(signature, declaration, FORMAT);
  }

  #text(type: ts.Type): string {
    return this.#checker.typeToString(type, undefined, FORMAT);
  }

  /** The comment's sentences, then what it throws, returns and since when it is. */
  #doc(symbol: ts.Symbol): readonly string[] {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker));
    const tags = symbol.getJsDocTags(this.#checker).map(({ name, text: parts }) => {
      const said = ts.displayPartsToString(parts).replaceAll('\n', ' ');
      return name === 'since' ? `Since libvirt ${said}.` : `*${name}* ${said}`;
    });
    return [...paragraphs(text), ...tags.flatMap((tag) => ['', tag])];
  }
}

const FORMAT =
  ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;

/** Bits are written `1 << 4` or `2 ** 31`, whose type is any number; they are shown as written. */
function bitOf(member: ts.Symbol): string | undefined {
  const declaration = member.valueDeclaration;
  if (declaration === undefined || !ts.isPropertyAssignment(declaration)) return undefined;
  const written = declaration.initializer.getText();
  return /^(1 << \d+|2 \*\* 31)$/.test(written) ? `\`${written}\`` : undefined;
}

function paragraphs(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}

function code(text: string): readonly string[] {
  return ['```ts', text, '```', ''];
}

function cell(doc: readonly string[]): string {
  return doc.join(' ').trim().replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('`', "'");
}

function withoutBody(member: ts.Declaration): string {
  const text = member.getText();
  const hasBody =
    ts.isMethodDeclaration(member) || ts.isAccessor(member) || ts.isConstructorDeclaration(member);
  const body = hasBody ? member.body : undefined;
  if (body !== undefined) return text.slice(0, body.getStart() - member.getStart()).trim();
  const value = ts.isPropertyDeclaration(member) ? member.initializer : undefined;
  return value === undefined
    ? text.replace(/;$/, '')
    : text.slice(0, value.getStart() - member.getStart()).replace(/\s*=\s*$/, '');
}

function isPublic(member: ts.Symbol): boolean {
  const [first] = member.declarations ?? [];
  return (
    first !== undefined &&
    !member.name.startsWith('__#') &&
    member.name !== 'prototype' &&
    !ts.isTypeParameterDeclaration(first)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

if (import.meta.main) {
  for (const [path, text] of await referencePages()) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
