import type { VmStats } from '../../host/stats-vm.ts';
import { labelsText } from './exposition.ts';
import type { Family, Sample } from './exposition.ts';
import { HOST_METRICS } from './host-metrics.ts';
import type { HostReading } from './host-metrics.ts';
import type { MeasuredMetric } from './metric.ts';
import { VM_METRICS } from './vm-metrics.ts';

/** Something that is measured, with its labels as they are written. */
interface Labelled<S> {
  readonly subject: S;
  readonly labels: string;
}

/** A VM's figures, and the host that told them. */
export interface VmReading {
  readonly host: string;
  readonly vm: VmStats;
}

/** Everything that is read of hosts, one metric after the other. */
export function hostFamilies(hosts: readonly HostReading[]): Iterable<Family> {
  const labelled = hosts.map((subject) => ({
    subject,
    labels: labelsText(['host'], [subject.name]),
  }));
  return familiesOf(HOST_METRICS, labelled, 1);
}

/** Everything that is read of VMs, one metric after the other. */
export function vmFamilies(vms: readonly VmReading[]): Iterable<Family> {
  const labelled = vms.map(({ host, vm }) => ({
    subject: vm,
    labels: labelsText(['vm', 'host'], [vm.name, host]),
  }));
  return familiesOf(VM_METRICS, labelled, 2);
}

/** @param common how many labels every metric of that kind has before its own. */
function* familiesOf<S>(
  metrics: readonly MeasuredMetric<S>[],
  subjects: readonly Labelled<S>[],
  common: number,
): Iterable<Family> {
  for (const metric of metrics) {
    yield { metric, samples: samplesOf(metric, subjects, metric.labels.slice(common)) };
  }
}

/** Made one subject at a time: the values of a whole fleet at once would be millions. */
function* samplesOf<S>(
  { read }: MeasuredMetric<S>,
  subjects: readonly Labelled<S>[],
  own: readonly string[],
): Iterable<Sample> {
  for (const { subject, labels } of subjects) {
    const samples: Sample[] = [];
    read(subject, (value, ...texts) => {
      if (value === undefined) return;
      const all = own.length === 0 ? labels : `${labels},${labelsText(own, texts)}`;
      samples.push({ labels: all, value });
    });
    yield* samples;
  }
}
