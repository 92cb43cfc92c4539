import { LibvirtError } from '../../../src/libvirt/index.ts';

/** VIR_FROM_QEMU, the part of libvirt that most refusals come from; nothing here depends on it. */
const FROM_QEMU = 10;

/** What libvirt refuses a call with. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }

  /** As the client tells it. */
  toError(procedure: string): LibvirtError {
    const { code, message } = this;
    const nothing = { dom: undefined, net: undefined, str1: undefined, str2: undefined };
    const numbers = { str3: undefined, int1: 0, int2: 0, level: 2, domain: FROM_QEMU };
    return new LibvirtError({ code, message, ...nothing, ...numbers }, procedure);
  }
}
