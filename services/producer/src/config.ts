import { adminConfig, kafkaConfig, list, port, registryConfig, z } from '@windrow/runtime';

const origin = z.string().regex(/^https?:\/\/[^/\s]+$|^\*$/, 'each must be an origin (scheme://host) or *');

const fields = z.object({
  ...kafkaConfig.shape,
  ...registryConfig.shape,
  ...adminConfig.shape,
  HTTP_HOST: z
    .string()
    .default('127.0.0.1')
    .meta({ description: 'the address on which the HTTP API listens', example: '0.0.0.0' }),
  HTTP_PORT: port().meta({
    description: 'the port of the HTTP API (0: any free port)',
    example: '8080',
  }),
  WRITE_KEYS: z.enum(['required', 'optional']).default('required').meta({
    description:
      'whether HTTP requests need a write key: required or optional; with optional, anyone who can reach the port may send events',
    example: 'required',
  }),
  HTTP_CORS_ORIGINS: list(origin).default(['*']).meta({
    description: 'the origins of web pages that may send events, separated by commas (*: all)',
    example: 'https://shop.example,https://www.example',
  }),
  HTTP_TLS_CERT_FILE: z.string().optional().meta({
    description:
      'the file with the certificate chain (PEM) for HTTPS, which SIGHUP reloads; unset: the API uses HTTP',
    example: '/etc/windrow/tls.crt',
  }),
  HTTP_TLS_KEY_FILE: z.string().optional().meta({
    description: 'the file with the private key (PEM) of HTTP_TLS_CERT_FILE',
    example: '/etc/windrow/tls.key',
  }),
});

const tlsFiles = ['HTTP_TLS_CERT_FILE', 'HTTP_TLS_KEY_FILE'] as const;

export const producerConfig = fields.superRefine((config, context) => {
  const missing = tlsFiles.filter((name) => config[name] === undefined);
  for (const name of missing.length === 1 ? missing : [])
    context.addIssue({ code: 'custom', path: [name], message: 'set both TLS files or neither' });
});

export type ProducerConfig = z.output<typeof producerConfig>;
