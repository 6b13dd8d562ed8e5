import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { bodySchema, type HttpRoute, type StreamContract } from '@windrow/contracts';
import type { FastifyInstance, FastifySchema } from 'fastify';
import manifest from '../package.json' with { type: 'json' };

const title = 'Windrow';
const description =
  'Accepts events over HTTP, compatible with the HTTP API of Segment. The status 200 means that Kafka has acknowledged all ' +
  'events of the body. Rejected messages become dead letters; the other messages of the same body are accepted.';

const failure = {
  $id: 'Failure',
  type: 'object',
  description: 'Why a request or some of its messages are rejected',
  required: ['success', 'reason', 'message'],
  properties: {
    success: { type: 'boolean', const: false },
    reason: { type: 'string', description: 'Short stable code' },
    message: { type: 'string', description: 'The reason in words' },
    accepted: { type: 'integer', minimum: 0, description: 'The number of accepted messages of the body' },
    errors: {
      type: 'array',
      description: 'The rejected messages of the body',
      items: {
        type: 'object',
        required: ['index', 'reason', 'message'],
        properties: {
          index: { type: 'integer', minimum: 0, description: 'Position in the body, from 0' },
          reason: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
};

const retryAfter = {
  'retry-after': {
    type: 'integer',
    minimum: 1,
    description: 'Seconds after which to send the same request again',
  },
};

/** Status → why a request or some of its messages are rejected. */
const rejections: Record<number, string> = {
  400: 'Messages are rejected (`errors` gives the index and the reason of each), or the body is not valid JSON or gzip',
  401: 'The write key is missing, unknown or revoked',
  403: 'The write key is not valid for this stream',
  408: 'The client took too long to send the request',
  413: 'The body has more than 500 KB, or decompresses to more',
  415: 'The headers do not declare the body as JSON in UTF-8, uncompressed or as gzip',
  429: 'The write key exceeds its rate or its daily quota',
  503: 'No event is accepted: Kafka is unavailable, or the producer is overloaded',
};

/**
 * Serves an OpenAPI 3.1 description of the routes that are added later, at `/docs/openapi.json`, and as a page at `/docs`. The
 * page loads nothing from other hosts.
 */
export async function addDocs(app: FastifyInstance): Promise<void> {
  app.addSchema(failure);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title,
        description,
        version: manifest.version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          writeKey: { type: 'http', scheme: 'basic', description: 'The write key as user name, no password' },
        },
      },
    },
    convertConstToEnum: false,
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`),
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { validatorUrl: null } });
  app.get('/docs/openapi.json', { schema: { hide: true } }, () => app.swagger());
  // No validation by schema: the contract that the schemas are generated from validates the bodies already.
  app.setValidatorCompiler(() => () => true);
}

/** The schema of a route that accepts events. */
export function eventsSchema(contract: StreamContract, route: HttpRoute): FastifySchema {
  const body = bodySchema(contract, route);
  const writeKey = { description: 'The write key, if it is not in the header' };
  const properties = body.properties ? { properties: { ...body.properties, writeKey } } : {};
  return {
    summary: route.summary ?? contract.description,
    tags: [contract.name],
    security: [{ writeKey: [] }, {}],
    body: { ...body, ...properties },
    response: {
      200: {
        description: 'Kafka has acknowledged all events of the body',
        type: 'object',
        required: ['success'],
        properties: { success: { type: 'boolean', const: true } },
      },
      ...Object.fromEntries(
        Object.entries(rejections).map(([status, text]) => [
          status,
          {
            description: text,
            ...(status === '429' || status === '503' ? { headers: retryAfter } : {}),
            content: { 'application/json': { schema: { $ref: 'Failure#' } } },
          },
        ]),
      ),
    },
  };
}

/** The schema of the settings that SDKs request when they start. */
export const sdkSettingsSchema: FastifySchema = {
  summary: 'Settings that the SDKs of browsers and phones request from their CDN',
  tags: ['SDKs'],
  params: {
    type: 'object',
    required: ['writeKey'],
    properties: { writeKey: { type: 'string', minLength: 1 } },
  },
  response: {
    200: {
      description: 'Settings with which the SDK sends its events to this host',
      type: 'object',
      required: ['integrations'],
      additionalProperties: true,
      properties: { integrations: { type: 'object', additionalProperties: true } },
    },
  },
};
