import { existsSync, readFileSync } from 'node:fs';
import { WindrowError, z } from '@windrow/runtime';
import { cities } from '../cities.ts';
import type { Place } from './adapter.ts';

const fileSchema = z
  .array(
    z.object({
      city: z.string().min(1),
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
    }),
  )
  .min(1);

/**
 * Places from a JSON file, `[{"city": "Zug", "latitude": 47.17, "longitude": 8.52}]`, or names of known cities, separated by
 * commas.
 * @throws WindrowError USAGE
 */
export function placesOf(fileOrNames: string): Place[] {
  const places = existsSync(fileOrNames) ? fromFile(fileOrNames) : fileOrNames.split(',').map(knownCity);
  const names = places.map(({ city }) => city);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new WindrowError('USAGE', `${fileOrNames} names ${twice} twice`);
  return places;
}

function fromFile(file: string): Place[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WindrowError('USAGE', `${file} cannot be read as JSON: ${reason}`, { cause });
  }
  const parsed = fileSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  const shape = '[{"city": "Zug", "latitude": 47.17, "longitude": 8.52}]';
  throw new WindrowError('USAGE', `${file} is not a list of places such as ${shape}: ${faults}`);
}

function knownCity(text: string): Place {
  const name = text.trim();
  const found = cities.find((city) => city.name.toLowerCase() === name.toLowerCase());
  if (found) return { city: found.name, latitude: found.latitude, longitude: found.longitude };
  const names = cities.map((city) => city.name).join(', ');
  const message = `${JSON.stringify(name)} is neither a known city nor a file. Known cities: ${names}. For other places, use a file`;
  throw new WindrowError('USAGE', message);
}
