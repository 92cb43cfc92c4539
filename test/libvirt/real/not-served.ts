/**
 * Procedures and events that no test with a real daemon can see work on the machines we have, and what is
 * missing there. Everything else that the client exports is called in a test of this folder; the
 * page of procedures is held to that.
 */
export const NOT_SERVED: Readonly<Record<string, string>> = {
  'DomainEvent.nicMacChange': 'libvirt 11.2, and a guest that changes its address',
  'DomainEvent.memoryFailure': 'KVM, and memory of the host that fails',
  authPolkit: 'a polkit daemon with a rule; the daemons of the tests let root in without it',
  connectDomainXmlFromNative: 'libvirt before 5.5 with QEMU, or a Xen host; refusals are compared',
  domainDelThrottleGroup: 'libvirt 11.2',
  domainGraphicsReload: 'libvirt 10.2',
  domainSendProcessSignal: 'a container of LXC; QEMU has no such call, and refuses it',
  domainSetLaunchSecurityState: 'an AMD processor with SEV; the refusal is checked',
  domainSetThrottleGroup: 'libvirt 11.2',
  nodeDeviceCreate: 'a device that can be mediated, and mdevctl; refusals are compared',
  nodeDeviceDefineXml: 'a device that can be mediated, and mdevctl; refusals are compared',
  nodeDeviceLookupScsiHostByWwn: 'a Fibre Channel host bus adapter; refusals are compared',
  nodeDeviceSetAutostart: 'a device that can be mediated, and mdevctl; refusals are compared',
  nodeDeviceUndefine: 'a device that can be mediated, and mdevctl; refusals are compared',
  nodeDeviceUpdate: 'a mediated device of s390, and libvirt 10.1; refusals are compared',
  nodeGetSevInfo: 'an AMD processor with SEV; refusals are compared',
  nodeSuspendForDuration: 'a machine that may be suspended and wakes up by itself',
};
