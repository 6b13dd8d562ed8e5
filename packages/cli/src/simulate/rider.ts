import type { City } from '../cities.ts';
import { idsOf } from './ids.ts';
import type { SimulationOptions } from './options.ts';
import { Order } from './order.ts';
import type { Random } from './random.ts';

export interface Device {
  osName: string;
  osVersion: string;
  type: string;
  manufacturer: string;
  model: string;
}

/** A person with a phone and the app. */
export interface Rider {
  userId: string;
  /** The phone's id, known before the rider is identified. */
  anonymousId: string;
  city: City;
  device: Device;
  appVersion: string;
  /** The app has sent Identify. */
  identified: boolean;
  /** Where the last ride ended, in degrees. */
  latitude: number;
  longitude: number;
}

const devices: readonly Device[] = [
  { osName: 'iOS', osVersion: '18.1', type: 'ios', manufacturer: 'Apple', model: 'iPhone17,3' },
  { osName: 'iOS', osVersion: '17.6', type: 'ios', manufacturer: 'Apple', model: 'iPhone14,5' },
  { osName: 'Android', osVersion: '15', type: 'android', manufacturer: 'Google', model: 'Pixel 9' },
  { osName: 'Android', osVersion: '14', type: 'android', manufacturer: 'samsung', model: 'SM-S921B' },
  { osName: 'Android', osVersion: '13', type: 'android', manufacturer: 'Xiaomi', model: '2201117TY' },
];
const appVersions = ['4.0.2', '4.1.0', '4.2.1'] as const;

/** Everybody. Who is out is lent; who is not out is drawn from the rest. A rider is made when first drawn. */
export class Riders {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #known = new Map<number, Rider>();
  /** Numbers of riders: the first ones are out, one for each place; the rest are not. */
  readonly #order: Order;
  readonly #places: number;
  readonly #anonymousId: (number: number) => string;

  /** `places`: how many are out at a time. */
  constructor(options: SimulationOptions, random: Random, places: number) {
    this.#options = options;
    this.#random = random;
    this.#places = places;
    this.#anonymousId = idsOf('simulated phone', options.seed);
    this.#order = new Order(options.users);
  }

  /** How many have been out. */
  get seen(): number {
    return this.#known.size;
  }

  /** Who goes out in this place now; whoever was there may be drawn again. */
  next(place: number): Rider {
    const rest = this.#order.length - this.#places;
    const drawn = this.#random.integer(0, rest);
    const from = drawn === 0 ? place : this.#places + drawn - 1;
    this.#order.swap(place, from);
    const number = this.#order.at(place);
    let rider = this.#known.get(number);
    if (rider === undefined) {
      rider = this.#make(number);
      this.#known.set(number, rider);
    }
    return rider;
  }

  #make(number: number): Rider {
    const city = this.#random.pick(this.#options.cities);
    return {
      userId: `rider-${number}`,
      anonymousId: this.#anonymousId(number),
      city,
      device: this.#random.pick(devices),
      appVersion: this.#random.pick(appVersions),
      identified: false,
      latitude: city.latitude + this.#random.between(-0.02, 0.02),
      longitude: city.longitude + this.#random.between(-0.02, 0.02),
    };
  }
}
