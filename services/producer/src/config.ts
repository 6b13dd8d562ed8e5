import { adminConfig, kafkaConfig, list, port, registryConfig, z } from '@windrow/runtime';

const origin = z.string().regex(/^https?:\/\/[^/\s]+$|^\*$/, 'each must be an origin, or *');

const fields = z.object({
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
  HTTP_CORS_ORIGINS: list(origin).default(['*']).meta({
    description: 'the origins of web pages that may send events, separated by commas (*: any)',
    example: 'https://shop.example,https://www.example',
  }),
  HTTP_TLS_CERT_FILE: z.string().optional().meta({
    description: 'the file with the certificate chain (PEM) for HTTPS; read again on SIGHUP; unset: HTTP',
    example: '/etc/windrow/tls.crt',
  }),
  HTTP_TLS_KEY_FILE: z.string().optional().meta({
    description: 'the file with the private key (PEM) that belongs to HTTP_TLS_CERT_FILE',
    example: '/etc/windrow/tls.key',
  }),
});

const tlsFiles = ['HTTP_TLS_CERT_FILE', 'HTTP_TLS_KEY_FILE'] as const;

export const producerConfig = fields.superRefine((config, context) => {
  const missing = tlsFiles.filter((name) => config[name] === undefined);
  for (const name of missing.length === 1 ? missing : [])
    context.addIssue({ code: 'custom', path: [name], message: 'one of two files is missing' });
});

export type ProducerConfig = z.output<typeof producerConfig>;
