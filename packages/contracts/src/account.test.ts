import avsc from 'avsc';
import { expect, test } from 'vitest';
import { type Account, accountSchema, dropsOf } from './account.ts';

const account: Account = {
  ...{ stream: 'track', topic: 'track.raw', partition: 0, first_offset: 0, next_offset: 9 },
  ...{ consumed: 9, accepted: 3, duplicates: 1, deletions: 0, dropped: { outside_europe: 4 } },
  ...{ rejected: { 'rules/city_missing': 1 }, committed_at: 5 },
};
const now = avsc.Type.forSchema(accountSchema as unknown as avsc.Schema);
const before = avsc.Type.forSchema({
  ...accountSchema,
  fields: accountSchema.fields.filter(({ name }) => name !== 'dropped'),
} as unknown as avsc.Schema);

test('an account that an older version wrote has no drops by steps', () => {
  const { dropped: _, ...written } = account;
  const read = now.fromBuffer(before.toBuffer(written), now.createResolver(before)) as Account;
  expect({ ...read }).toEqual({ ...account, dropped: {} });
  expect([...dropsOf(read)]).toEqual([['duplicate', 1]]);
});

test('an older version reads the counts that it knows', () => {
  const read = before.fromBuffer(now.toBuffer(account), before.createResolver(now)) as Account;
  const { dropped: _, ...known } = account;
  expect({ ...read }).toEqual(known);
});

test('drops are counted by reason', () => {
  expect([...dropsOf({ ...account, deletions: 2 })]).toEqual([
    ['duplicate', 1],
    ['deletion', 2],
    ['outside_europe', 4],
  ]);
});
