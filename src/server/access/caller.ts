import { ROLES } from '../../api/access.ts';
import type { Role } from '../../api/access.ts';
import { matchesLabels, parseLabelSelector } from '../../model/label-selector.ts';
import type { LabelSelector } from '../../model/label-selector.ts';
import type { VmLabels } from '../services/vm-labels.ts';

/** Who asks: handed to whatever acts or lists on somebody's behalf. */
export interface Caller {
  /** The name of a token, or `owner`. */
  readonly actor: string;
  /** Of the token: another one may have its name later. Absent for the owner. */
  readonly tokenId?: string;
  readonly role: Role;
  /** The VMs that the caller may see and act on; absent: all. */
  readonly scope?: Scope;
}

/** A label selector, as it was written and as it is used. */
export interface Scope {
  readonly text: string;
  readonly selector: LabelSelector;
}

/** Whoever can open the server's socket: its owner, who could do everything without it, too. */
export const OWNER: Caller = { actor: 'owner', role: 'admin' };

/** @throws BERTH_SPEC_INVALID */
export function scopeOf(text: string): Scope {
  return { text, selector: parseLabelSelector(text, 'scope') };
}

/** Whether a role includes what another one may do. */
export function includesRole(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/**
 * Whether a caller may see, and with the role for it act on, a VM with these labels.
 * @param labels undefined for what nobody has labelled, such as a foreign domain: it is in no scope,
 * not even in one that only says what a VM must not have.
 */
export function seesLabels({ scope }: Caller, labels: VmLabels): boolean {
  return scope === undefined || (labels !== undefined && matchesLabels(scope.selector, labels));
}

/**
 * Whose VMs may boot from images alone. libvirt hands any file of a host to a guest that names it, so
 * only those who may do everything with a host's VMs may name any.
 */
export function boundActorOf({ actor, role, scope }: Caller): { readonly boundActor?: string } {
  return role === 'admin' && scope === undefined ? {} : { boundActor: actor };
}
