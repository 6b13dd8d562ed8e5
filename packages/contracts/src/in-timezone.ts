import type { StreamContract } from './contract.ts';
import { inputFields } from './values/value-types.ts';

/** The contract for inputs whose times without an offset are in this zone, whatever zone it declares. */
export function inTimezone(contract: StreamContract, timezone: string): StreamContract {
  const times = inputFields(contract).filter(({ typeName }) => typeName === 'time');
  return {
    ...contract,
    times: Object.fromEntries(times.map(({ name }) => [name, { ...contract.times?.[name], timezone }])),
  };
}
