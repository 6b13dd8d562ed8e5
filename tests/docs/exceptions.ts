import type { Block } from './blocks.ts';

/** What marks a block: a text in it, and where that text is on several pages, the page. */
interface Mark {
  page?: string;
  text: string;
}

/**
 * Blocks that the tests don't run, and why. The arguments of their `windrow` commands and the names of their npm scripts are
 * checked all the same.
 */
export const notRun: readonly (Mark & { reason: string })[] = [
  {
    text: 'npm run demo',
    reason: 'tests/end-to-end runs the parts of the demo; npm test is this run itself',
  },
  { text: 'npm run setup', reason: 'npm test has run it before this test' },
  { text: 'npx windrow stack up ', reason: 'the installation of this test was started with it' },
  { text: 'npx windrow down', reason: 'the installation of this test is stopped with it' },
  { text: 'docker compose', reason: 'there is no container engine where the tests run' },
  { text: 'weather poll', reason: 'it asks a service on the internet, without end; poll.test.ts runs it' },
  {
    page: 'docs/how-to/read-the-lake.md',
    text: 'spark.read',
    reason: 'needs a JVM with Spark; tests/readers/spark.test.ts runs it',
  },
  {
    page: 'docs/how-to/time-travel.md',
    text: '',
    reason:
      'needs a table with a known history; tests/readers runs them (time-travel.test.ts, spark.test.ts)',
  },
];

/** Blocks that are meant to end with an HTTP error. */
export const rejected: readonly Mark[] = [{ page: 'docs/tutorial.md', text: '"ride-0002"' }];

/** What stands for something else when a block is run: of this installation, or shorter. */
export const substitutions: readonly { from: string | RegExp; to: string; reason: string }[] = [
  { from: /--minutes [15]\b/g, to: '--minutes 0.02', reason: 'a test has no five minutes' },
  {
    from: '--offsets 0:1000-2000,1:0-500',
    to: '--offsets 1:0-1',
    reason: 'offsets that the topic has',
  },
  { from: 's3://exports/', to: 's3://$EXPORTS_BUCKET/', reason: 'a bucket of this test with files in it' },
  { from: '3f0a62c1d9e4', to: '$KEY_ID', reason: 'the id of a key that was made' },
  { from: '--to 41', to: '--to 3', reason: 'a version that the table has' },
  { from: '127.0.0.1:4566', to: '$S3_HOST', reason: 'the address of this stack' },
];

export const isMarked = (block: Block, { page, text }: Mark): boolean =>
  (page === undefined || page === block.page) && block.text.includes(text);
