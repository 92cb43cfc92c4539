import { findProgram } from '../system/system-path.ts';

/** Programs of this machine that a lab uses where they are there, and does without elsewhere. */
export interface LabTools {
  /** For SSH ways in. */
  readonly sshd?: string;
  /** For TLS ways in. */
  readonly openssl?: string;
  /** In words: what the lab lacks, and which package brings it. */
  readonly notes: readonly string[];
}

/** Looks for them. Nothing is installed: an SSH daemon that is installed starts serving the machine. */
export async function findLabTools(): Promise<LabTools> {
  const [sshd, keygen, openssl] = await Promise.all(
    ['sshd', 'ssh-keygen', 'openssl'].map(async (program) => findProgram(program)),
  );
  const hasSsh = sshd !== undefined && keygen !== undefined;
  return {
    ...(hasSsh ? { sshd } : {}),
    ...(openssl === undefined ? {} : { openssl }),
    notes: [
      ...(sshd === undefined
        ? ['no way in by SSH: sshd is not there (Debian: openssh-server)']
        : []),
      ...(keygen === undefined
        ? ['no way in by SSH: ssh-keygen is not there (Debian: openssh-client)']
        : []),
      ...(openssl === undefined ? ['no way in by TLS: openssl is not there'] : []),
    ],
  };
}
