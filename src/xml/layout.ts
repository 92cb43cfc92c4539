import type { ElementDraft } from './draft.ts';
import type { XmlElement } from './element.ts';
import type { XmlNode, XmlText } from './node.ts';
import { isBlank, type Quote } from './spelling.ts';

/** How an element that starts a line of its own is set out. */
export interface Layout {
  readonly newline: string;
  /** The white space before the element itself. */
  readonly indent: string;
  /** What each level below it adds. */
  readonly unit: string;
}

/** How new markup is spelled; without a layout everything stays on one line. */
export interface Style {
  readonly quote: Quote;
  readonly layout: Layout | undefined;
}

/** Which nodes to put where among a parent's children, so that the new one stands like its siblings. */
export interface Insertion {
  readonly index: number;
  readonly before: readonly XmlText[];
  readonly after: readonly XmlText[];
  readonly layout: Layout | undefined;
}

/** The layout of a document made from nothing, as libvirt writes its own. */
export const FRESH_LAYOUT: Layout = { newline: '\n', indent: '', unit: '  ' };

/** Plans a child behind all others, in front of the white space that leads to the end tag. */
export function planAppend(parent: XmlElement): Insertion {
  const { children } = parent;
  const layout = childLayout(parent);
  if (layout === undefined) return { index: children.length, before: [], after: [], layout };
  const before = [lineStart(layout)];
  const last = children.at(-1);
  if (last?.kind === 'text' && lineBreakOf(last) !== undefined) {
    return { index: children.length - 1, before, after: [], layout };
  }
  const parentLayout = layoutOf(parent);
  const after =
    parent.elements.length > 0 || parentLayout === undefined
      ? []
      : [lineStart({ ...layout, indent: parentLayout.indent })];
  return { index: children.length, before, after, layout };
}

/** Plans a child on the line before or after a sibling, with that sibling's indentation. */
export function planBeside(sibling: XmlElement, side: 'before' | 'after'): Insertion {
  const layout = layoutOf(sibling);
  const line = layout === undefined ? [] : [lineStart(layout)];
  const index = indexIn(sibling);
  return side === 'before'
    ? { index, before: [], after: line, layout }
    : { index: index + 1, before: line, after: [], layout };
}

/** Plans a child in the very place of another. */
export function planInstead(child: XmlElement): Insertion {
  return { index: indexIn(child), before: [], after: [], layout: layoutOf(child) };
}

/**
 * What stays of a parent's children when one goes: an element that had its line to itself takes the
 * line along.
 */
export function childrenWithout(parent: XmlElement, child: XmlElement): readonly XmlNode[] {
  const index = parent.children.indexOf(child);
  const before = parent.children.slice(0, index);
  const after = parent.children.slice(index + 1);
  const lead = before.at(-1);
  const lineEnds = after[0] === undefined || (after[0].kind === 'text' && startsLine(after[0]));
  if (lead?.kind !== 'text' || !lineEnds) return [...before, ...after];
  const kept = lead.raw.replace(LINE_BREAK, '');
  if (kept === lead.raw || !isBlank(lead.raw)) return [...before, ...after];
  return [...before.slice(0, -1), ...(kept === '' ? [] : [blankText(kept)]), ...after];
}

/** The text nodes between a draft's children; undefined where they stay on one line. */
export function innerLayout(draft: ElementDraft, layout: Layout | undefined): Layout | undefined {
  const spread =
    draft.content.length > 0 && draft.content.every((part) => typeof part === 'object');
  return spread && layout !== undefined
    ? { ...layout, indent: layout.indent + layout.unit }
    : undefined;
}

/** A line break with the indentation of what follows. */
export function lineStart(layout: Layout): XmlText {
  return blankText(layout.newline + layout.indent);
}

/** The quote that an element, its last children or what is around it use; else libvirt's own. */
export function quoteAround(element: XmlElement): Quote {
  const used = [element, ...element.elements.toReversed()].find((at) => at.attributes.length > 0);
  if (used !== undefined) return used.attributes.at(-1)?.quote ?? "'";
  return element.parent === undefined ? "'" : quoteAround(element.parent);
}

const LINE_BREAK = /(\r\n|\n|\r)([ \t]*)$/;

function blankText(raw: string): XmlText {
  return { kind: 'text', raw, value: raw.replaceAll(/\r\n?/g, '\n') };
}

function startsLine(text: XmlText): boolean {
  return /^[ \t]*[\r\n]/.test(text.raw);
}

function indexIn(child: XmlElement): number {
  return child.parent?.children.indexOf(child) ?? -1;
}

function childLayout(parent: XmlElement): Layout | undefined {
  const { children } = parent;
  const sibling = children.findLastIndex((_, index) => breakBefore(children, index) !== undefined);
  if (sibling !== -1) return layoutAt(parent, sibling);
  const hasContent = children.some((node) => node.kind !== 'text' || !isBlank(node.raw));
  const own = hasContent ? undefined : layoutOf(parent);
  return own === undefined ? undefined : { ...own, indent: own.indent + own.unit };
}

/** Undefined for an element that shares its line with something before it. */
function layoutOf(element: XmlElement): Layout | undefined {
  const { parent } = element;
  return parent === undefined ? rootLayout(element) : layoutAt(parent, indexIn(element));
}

/** The same for the child at that index; looking for it would make a walk over all children quadratic. */
function layoutAt(parent: XmlElement, index: number): Layout | undefined {
  const line = breakBefore(parent.children, index);
  return line === undefined ? undefined : { ...line, unit: unitIn(parent, line.indent) };
}

function rootLayout({ children }: XmlElement): Layout {
  const first = children.findIndex((_, index) => breakBefore(children, index) !== undefined);
  const line = breakBefore(children, first);
  return line === undefined ? FRESH_LAYOUT : { ...line, indent: '', unit: line.indent };
}

/** What the children of an element are indented by beyond the element itself. */
function unitIn(parent: XmlElement, indent: string): string {
  const grand = parent.parent;
  const outer = grand === undefined ? undefined : breakBefore(grand.children, indexIn(parent));
  const above = outer?.indent ?? '';
  return indent.startsWith(above) && indent.length > above.length
    ? indent.slice(above.length)
    : FRESH_LAYOUT.unit;
}

interface LineBreak {
  readonly newline: string;
  readonly indent: string;
}

/** The line break in front of the element at that index; undefined where no element starts a line. */
function breakBefore(nodes: readonly XmlNode[], index: number): LineBreak | undefined {
  return nodes[index]?.kind === 'element' ? lineBreakOf(nodes[index - 1]) : undefined;
}

function lineBreakOf(node: XmlNode | undefined): LineBreak | undefined {
  if (node?.kind !== 'text' || !isBlank(node.raw)) return undefined;
  const match = LINE_BREAK.exec(node.raw);
  return match === null ? undefined : { newline: match[1] ?? '\n', indent: match[2] ?? '' };
}
