import { adminConfig, kafkaConfig, port, registryConfig, z } from '@windrow/runtime';

export const producerConfig = z.object({
  ...kafkaConfig.shape,
  ...registryConfig.shape,
  ...adminConfig.shape,
  HTTP_HOST: z
    .string()
    .default('127.0.0.1')
    .meta({ description: 'the address on which events are taken over HTTP', example: '0.0.0.0' }),
  HTTP_PORT: port().meta({
    description: 'the port on which events are taken over HTTP (0: any free one)',
    example: '8080',
  }),
  WRITE_KEYS: z.enum(['required', 'optional']).default('required').meta({
    description:
      'whether events over HTTP need a write key: required, or optional, with which anyone who reaches the port may send',
    example: 'required',
  }),
});
