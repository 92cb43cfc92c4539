import fc from 'fast-check';

/**
 * Preloaded into the property tests of a round: all of them begin with the round's seed, and those
 * that name no number of runs make more than usual.
 */

const RUNS = 1000;

fc.configureGlobal({ seed: Number(process.env['BERTH_TEST_SEED']), numRuns: RUNS });
