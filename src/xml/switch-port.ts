import type { XmlElement } from './element.ts';
import { flagAttribute, integerAttribute } from './value.ts';

/** `<virtualport>`: how an interface attaches to a switch that knows its guests. */
export interface VirtualPort {
  /** openvswitch, midonet, 802.1Qbg or 802.1Qbh. */
  readonly type: string | undefined;
  /** `interfaceid`, `profileid`, `managerid` ... as they are written. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** `<vlan>`: the VLANs of a port. */
export interface Vlan {
  /** True when the port carries several, or tagged frames. */
  readonly trunk: boolean | undefined;
  readonly tags: readonly VlanTag[];
}

/** A VLAN that a port carries. */
export interface VlanTag {
  /** From 1 to 4094. */
  readonly id: number;
  /** tagged or untagged, for the VLAN that frames without a tag belong to. */
  readonly nativeMode: string | undefined;
}

/** A filter that is applied with values for its variables. */
export interface FilterReference {
  readonly filter: string;
  /** In order; a name that stands twice has a list of values. */
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
}

/** Reads the `<virtualport>` of an interface, network or port group. */
export function readVirtualPort(owner: XmlElement): VirtualPort | undefined {
  const port = owner.child('virtualport');
  if (port === undefined) return undefined;
  const parameters = port.child('parameters')?.attributes ?? [];
  return {
    type: port.attribute('type'),
    parameters: Object.fromEntries(parameters.map(({ name, value }) => [name, value])),
  };
}

/**
 * Reads the `<vlan>` of an interface, network or port group.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readVlan(owner: XmlElement): Vlan | undefined {
  const vlan = owner.child('vlan');
  if (vlan === undefined) return undefined;
  return {
    trunk: flagAttribute(vlan, 'trunk'),
    tags: vlan.childrenNamed('tag').flatMap((tag) => {
      const id = integerAttribute(tag, 'id');
      return id === undefined ? [] : [{ id, nativeMode: tag.attribute('nativeMode') }];
    }),
  };
}

/** Reads a `<filterref>` of an interface or a filter. */
export function readFilterReference(reference: XmlElement): FilterReference {
  return {
    filter: reference.attribute('filter') ?? '',
    parameters: reference.childrenNamed('parameter').map((parameter) => ({
      name: parameter.attribute('name') ?? '',
      value: parameter.attribute('value') ?? '',
    })),
  };
}
