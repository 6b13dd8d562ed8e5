import { WindrowError } from '@windrow/runtime';
import { InvalidArgumentError } from 'commander';
import type { AddCommand, CommandContext } from '../context.ts';
import { producerAddress } from '../producer-address.ts';
import { count } from '../tables.ts';
import type { WeatherAdapter } from '../weather/adapter.ts';
import type { Round } from '../weather/poll.ts';

interface Options {
  provider: string;
  cities: string;
  every: number;
  url?: string;
  writeKey?: string;
  providerUrl?: string;
}

export const addWeatherCommand: AddCommand = (program, context) => {
  const weather = program.command('weather').description('load weather from providers');
  weather
    .command('poll')
    .description(
      'poll the current weather of cities from a provider and post new observations to the producer',
    )
    .requiredOption('--provider <open-meteo|openweather>', 'the provider', providerName)
    .requiredOption(
      '--cities <file|names>',
      'names of known cities, separated by commas, or a JSON file of places',
    )
    .option('--every <time>', 'the interval, for example 90s, 10m or 1h', duration, 600_000)
    .option('--url <url>', 'the producer; default: PRODUCER_URL')
    .option('--write-key <key>', 'the write key; prefer WINDROW_WRITE_KEY')
    .option(
      '--provider-url <url>',
      'another address of the provider, for example for its customers or a proxy',
    )
    .addHelpText(
      'after',
      `
OpenWeather needs a key in OPENWEATHER_API_KEY. If a city fails, its name and the reason are printed, and it is tried again.
A file of places: [{"city": "Zug", "latitude": 47.17, "longitude": 8.52}]. Ctrl-C stops the command.

Examples:
  $ npx windrow weather poll --provider open-meteo --cities "Zurich,New York"
  $ npx windrow weather poll --provider openweather --cities places.json --every 15m`,
    )
    .action((options: Options) => poll(context, options));
};

function providerName(text: string): string {
  if (text === 'open-meteo' || text === 'openweather') return text;
  throw new InvalidArgumentError('It must be open-meteo or openweather.');
}

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 };

function duration(text: string): number {
  const [, number, unit = ''] = /^(\d+)([smh])$/.exec(text.trim()) ?? [];
  const ms = Number(number) * (unitMs[unit] ?? 0);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('It must be a duration such as 90s, 10m or 1h.');
}

async function poll(context: CommandContext, options: Options): Promise<void> {
  const { ProducerClient } = await import('../producer-client.ts');
  const { placesOf } = await import('../weather/places.ts');
  const { pollWeather, WeatherPoll } = await import('../weather/poll.ts');
  const { signal, note, print } = context;
  const places = placesOf(options.cities);
  const adapter = await adapterOf(context.env, options);
  const producer = new ProducerClient({
    ...producerAddress(options, context),
    signal,
    onRetry: (reason) => note(`trying again: ${reason}`),
  });
  const total: Round = { posted: 0, unchanged: 0, failed: 0 };
  await pollWeather(new WeatherPoll({ adapter, places, producer, signal, note }), {
    everyMs: options.every,
    signal,
    onRound(round) {
      total.posted += round.posted;
      total.unchanged += round.unchanged;
      total.failed += round.failed;
      note(`${adapter.name}: ${describeRound(round)}`);
    },
  });
  print(`${adapter.name}: ${describeRound(total)} in all`);
}

async function adapterOf(
  env: NodeJS.ProcessEnv,
  { provider, providerUrl }: Options,
): Promise<WeatherAdapter> {
  if (provider === 'open-meteo') {
    const { openMeteo } = await import('../weather/open-meteo.ts');
    return openMeteo(providerUrl);
  }
  const { openWeather } = await import('../weather/openweather.ts');
  const apiKey = env.OPENWEATHER_API_KEY;
  if (apiKey) return openWeather(apiKey, providerUrl);
  throw new WindrowError(
    'USAGE',
    'OpenWeather needs a key in OPENWEATHER_API_KEY. You get one at openweathermap.org',
  );
}

function describeRound({ posted, unchanged, failed }: Round): string {
  return `${count(posted)} observations posted, ${count(unchanged)} not new, ${count(failed)} failed`;
}
