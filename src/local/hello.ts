/** Name of the first VM. */
export const HELLO = 'hello';

/** What its shell shows when it waits for a command. */
export const HELLO_PROMPT = `${HELLO}:~#`;

/** Enough for the tiny guest: its kernel and initramfs take some 60 MiB. */
const MEMORY = '256MiB';

/** A VM document as the API takes it, in so far as the first VM needs it. */
export interface HelloDocument {
  readonly apiVersion: 'berth/v1';
  readonly kind: 'VM';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly cpu: { readonly count: number; readonly policy: 'shared' | 'dedicated' };
    readonly memory: { readonly size: string };
    readonly boot: {
      readonly kernel: string;
      readonly initrd: string;
      readonly cmdline: string;
    };
    readonly nics: { readonly user: true }[];
    readonly placement: { readonly hosts: string[] };
  };
}

/**
 * The first VM: one vCPU, booted straight from a kernel, with a shell on its serial console. It has
 * a pCPU of its own where that leaves one to the rest of the machine.
 * @param boot paths as the hypervisor sees them; they are on `host` alone, so the VM stays there.
 */
export function helloDocument(
  host: string,
  boot: { readonly kernel: string; readonly initrd: string },
  policy: 'shared' | 'dedicated',
): HelloDocument {
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: HELLO },
    spec: {
      cpu: { count: 1, policy },
      memory: { size: MEMORY },
      boot: {
        kernel: boot.kernel,
        initrd: boot.initrd,
        cmdline: `console=ttyS0 quiet berth.hostname=${HELLO}`,
      },
      nics: [{ user: true }],
      placement: { hosts: [host] },
    },
  };
}
