import { painter } from './look.ts';
import type { Look } from './look.ts';

/**
 * Backgrounds for VMs, told apart by most colour-blind people when neighbours differ in lightness
 * too; black text reads well on each. Numbers of the 256-colour palette.
 */
const RICH = [114, 75, 215, 176, 79, 222, 141, 203, 187, 38, 180, 149] as const;
/** The same for terminals with sixteen colours: SGR background codes. */
const PLAIN = [42, 44, 43, 45, 46, 102, 104, 103, 105, 106] as const;

type Paint = (text: string) => string;

/** The pens that the map is drawn with; without colours each returns its text unchanged. */
export interface MapInk {
  /** Box of the VM at this place of the legend. */
  vm(place: number): Paint;
  /** The VM's colour for what it shares with others: the text is coloured, not the ground. */
  sharedBy(place: number): Paint;
  /** Cores and memory of the cell at this place, where nothing is on the machine. */
  core(place: number): Paint;
  readonly shared: Paint;
  readonly reserved: Paint;
  readonly offline: Paint;
  readonly overlap: Paint;
  readonly free: Paint;
  readonly frame: Paint;
  readonly title: Paint;
  readonly faint: Paint;
  readonly warning: Paint;
}

/** Chooses the pens by what the terminal can show. */
export function mapInk(look: Look): MapInk {
  const c = painter(look);
  const rich = look.colours === 256;
  const sgr = (codes: string): Paint =>
    look.colours === 0 ? (text) => text : (text) => `\u001b[${codes}m${text}\u001b[0m`;
  const richOf = (place: number): number => RICH[place % RICH.length] ?? RICH[0];
  const plainOf = (place: number): number => PLAIN[place % PLAIN.length] ?? PLAIN[0];
  return {
    vm: (place) => sgr(rich ? `38;5;16;48;5;${richOf(place)}` : `30;${plainOf(place)}`),
    sharedBy: (place) =>
      sgr(rich ? `38;5;${richOf(place)};48;5;236` : `${plainOf(place) - 10};100`),
    core: (place) => sgr(rich ? `38;5;${richOf(place)}` : `${plainOf(place) - 10}`),
    shared: sgr(rich ? '38;5;252;48;5;238' : '37;100'),
    reserved: sgr(rich ? '38;5;244;48;5;235' : '90'),
    offline: sgr(rich ? '38;5;242' : '90'),
    overlap: sgr('1;97;41'),
    free: c.dim,
    frame: c.dim,
    title: c.bold,
    faint: c.dim,
    warning: (text) => c.bold(c.red(text)),
  };
}
