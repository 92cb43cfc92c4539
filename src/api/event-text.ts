/** A longer line means that the other side does not speak server-sent events. */
const LINE_CHARS_MAX = 1024 * 1024;

/** One block of the text: an event, or only the id of what was passed over. */
export interface EventBlock {
  readonly id?: string;
  readonly data?: string;
}

/** Takes the text of server-sent events apart, however it was cut on the way. */
export class EventText {
  #rest = '';
  #id: string | undefined;
  #data: string[] = [];

  /** @returns the blocks that are whole now. @throws Error for a line without end. */
  take(text: string): readonly EventBlock[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LINE_CHARS_MAX) throw new Error('its events are not understood');
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): readonly EventBlock[] {
    if (line === '') return this.#block();
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'id') this.#id = value;
    else if (field === 'data') this.#data.push(value);
    return [];
  }

  #block(): readonly EventBlock[] {
    const block = {
      ...(this.#id === undefined ? {} : { id: this.#id }),
      ...(this.#data.length === 0 ? {} : { data: this.#data.join('\n') }),
    };
    this.#id = undefined;
    this.#data = [];
    return Object.keys(block).length === 0 ? [] : [block];
  }
}
