/** `cliniko-simulator`: for the tests of a program that calls Cliniko. */
export type { Behaviour } from '../../../src/cliniko-simulator/behaviour.ts';
export type { Churn } from '../../../src/cliniko-simulator/churn.ts';
export type { Fault, Faults } from '../../../src/cliniko-simulator/faults.ts';
export type { SimulatedRequest } from '../../../src/cliniko-simulator/journal.ts';
export type { People } from '../../../src/cliniko-simulator/people.ts';
export {
  type ClinikoSimulator,
  type SimulatorOptions,
  startClinikoSimulator,
} from '../../../src/cliniko-simulator/server.ts';
