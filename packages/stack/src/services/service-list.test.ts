import { expect, test } from 'vitest';
import { loopbackSettings } from './service-list.ts';

test.each([
  {},
  { HTTP_HOST: '' },
  { HTTP_HOST: '127.0.0.1' },
  { HTTP_HOST: '::1' },
  { HTTP_HOST: 'localhost' },
])('nobody needs a write key on loopback: %j', (env) => {
  expect(loopbackSettings(env)).toEqual({ WRITE_KEYS: 'optional' });
});

test.each(['0.0.0.0', '::', '192.168.1.7', '127.evil.example', 'localhost.example'])(
  'others who can reach %s need one, if nothing else is said',
  (HTTP_HOST) => {
    expect(loopbackSettings({ HTTP_HOST })).toEqual({});
  },
);
