/** Ticks from 0 up to the first that is no less than `most`: four to eight round numbers. */
export function niceTicks(most: number): readonly number[] {
  const rough = most / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((factor) => factor * power >= rough) ?? 10);
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

const STEPS = [1, 2, 2.5, 5, 10];
