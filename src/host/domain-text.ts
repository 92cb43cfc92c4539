const DEVICES_BEGIN = '\n  <devices>\n';
const DEVICES_END = '\n  </devices>\n';

/**
 * A domain's XML as libvirt wrote it without its devices, which are most of it and say nothing of
 * where it sits; unchanged where something is passed through to the guest, or where it is not as
 * libvirt writes it. Only libvirt's own layout is looked for, and its last occurrence: behind
 * `<devices>` everything is libvirt's own, with line breaks and `<` escaped in every value
 * (virDomainDefFormatInternalSetRootName, libvirt 9.0 domain_conf.c), so that no text that somebody
 * put before it, such as metadata, can pass for it.
 */
export function withoutDevices(xml: string): string {
  const begin = xml.lastIndexOf(DEVICES_BEGIN);
  const end = xml.indexOf(DEVICES_END, begin);
  if (begin === -1 || end === -1 || xml.includes(DEVICES_END, end + DEVICES_END.length)) return xml;
  const hostdev = xml.indexOf('<hostdev', begin);
  if (hostdev !== -1 && hostdev < end) return xml;
  return `${xml.slice(0, begin)}\n  <devices/>\n${xml.slice(end + DEVICES_END.length)}`;
}
