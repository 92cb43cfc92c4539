/**
 * Lossless trees of libvirt XML, with typed access to what Berth understands. Pure: no file, no
 * network, no clock.
 */
export type * from './capabilities.ts';
export { readCapabilities } from './capabilities.ts';
export type { XmlDocument } from './document.ts';
export { newDocument, renderXml } from './document.ts';
export type * from './domain-capabilities.ts';
export { readDomainCapabilities } from './domain-capabilities.ts';
export type * from './domain-cpu.ts';
export type * from './domain-devices.ts';
export type * from './domain-tune.ts';
export type * from './domain.ts';
export { domainMetadata, readDomain } from './domain.ts';
export type { DraftAttributes, DraftContent, ElementDraft } from './draft.ts';
export { el } from './draft.ts';
export type { XmlElement } from './element.ts';
export { ELEMENT_DEPTH_MAX } from './element.ts';
export type * from './network.ts';
export { readNetwork } from './network.ts';
export type * from './node-device.ts';
export { readNodeDevice } from './node-device.ts';
export type { XmlAttribute, XmlMarkup, XmlNode, XmlText } from './node.ts';
export { parseXml, XML_LENGTH_MAX } from './parse.ts';
export { selectXml, SELECT_NODES_MAX, type XmlSelection } from './select.ts';
export { setXmlValue, type SetOptions } from './set-value.ts';
export type { Place } from './source-text.ts';
export type * from './storage.ts';
export { readPool, readVolume } from './storage.ts';
export { writeXml } from './write.ts';
