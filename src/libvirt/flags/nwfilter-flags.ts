/** How a filter is defined (VIR_NWFILTER_DEFINE_*). */
export const NwfilterDefineFlag = { validate: 1 << 0 } as const;

/** How a binding is made (VIR_NWFILTER_BINDING_CREATE_*). */
export const NwfilterBindingCreateFlag = {
  /** Refuses XML that is not valid by the schema. Libvirt 7.8. */
  validate: 1 << 0,
} as const;
