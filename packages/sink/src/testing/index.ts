export { deadLettersOf } from './dead-letters-of.ts';
export { type DestinationUnderTest, describeDestination, padding } from './destination-contract.ts';
