/** A libvirt daemon of our own that runs. */
export interface PrivateHost {
  readonly uri: string;
  readonly socket: string;
  /** The process to look for; of a namespace host, /proc/PID/root shows what the host sees. */
  readonly pid: number;
  readonly dir: string;
  readonly name: string;
  readonly hideKvm: boolean;
  /** A folder for disk images and boot files: where it is for us, and where libvirt sees it. */
  readonly images: { readonly outside: string; readonly inside: string };
  /** Ends the daemon and its guests at once; definitions and images stay in `dir`. */
  stop(): Promise<void>;
}

export interface PrivateHostOptions {
  /** Folder of the host; made when missing. All its state lies below. */
  readonly dir: string;
  /** What the host is called: letters, digits, `-` and `.`, at most 63. */
  readonly name: string;
  /** True keeps /dev/kvm from libvirt: see accelerator.ts for when that is needed. */
  readonly hideKvm: boolean;
  /** True ends it with this process, however that ends; else it lives on, to be found again. */
  readonly endsWithCaller?: boolean;
  readonly signal?: AbortSignal;
  /** Hears the steps of the start: `folders`, `namespaces`, `libvirtd`. */
  readonly progress?: (step: string) => void;
}
