import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { bodySchema, type HttpRoute, type StreamContract } from '@windrow/contracts';
import type { FastifyInstance, FastifySchema } from 'fastify';
import manifest from '../package.json' with { type: 'json' };

const title = 'Windrow';
const description =
  'Events over HTTP, in the manner of the HTTP API of Segment. A 200 means that Kafka has all of it. Messages that are ' +
  'refused become dead letters; the others of the same body are accepted.';

const failure = {
  $id: 'Failure',
  type: 'object',
  description: 'Why a request, or some of its messages, are refused',
  required: ['success', 'reason', 'message'],
  properties: {
    success: { type: 'boolean', const: false },
    reason: { type: 'string', description: 'Short stable code' },
    message: { type: 'string', description: 'For people' },
    accepted: { type: 'integer', minimum: 0, description: 'How many messages of the body are accepted' },
    errors: {
      type: 'array',
      description: 'The messages of the body that are refused',
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
    description: 'Seconds after which the same request may pass',
  },
};

/** Reasons of refusals as they are known to a client by the status. */
const refusals: Record<number, string> = {
  400: 'Messages are refused: `errors` says which and why; or the body is no JSON, or no gzip',
  401: 'The write key is missing, unknown or revoked',
  403: 'The write key is not for this stream',
  408: 'The request took too long to come',
  413: 'The body is over 500 KB, or unpacks to more',
  415: 'The body is not declared as JSON in UTF-8, plain or gzipped',
  429: 'More events than the write key may send',
  503: 'Nothing is accepted now: Kafka does not answer, or too much is under way',
};

/**
 * Describes the routes that are added later as OpenAPI 3.1, at `/docs/openapi.json`, and for people at `/docs`. Nothing
 * is loaded from elsewhere.
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
  // What describes a body is made of the same contract that takes it: nothing is to be checked twice.
  app.setValidatorCompiler(() => () => true);
}

/** The description of a route that takes events. */
export function eventsSchema(contract: StreamContract, route: HttpRoute): FastifySchema {
  const body = bodySchema(contract, route);
  const writeKey = { description: 'The write key, where it is not in the header' };
  const properties = body.properties ? { properties: { ...body.properties, writeKey } } : {};
  return {
    summary: route.summary ?? contract.description,
    tags: [contract.name],
    security: [{ writeKey: [] }, {}],
    body: { ...body, ...properties },
    response: {
      200: {
        description: 'Kafka has all of it',
        type: 'object',
        required: ['success'],
        properties: { success: { type: 'boolean', const: true } },
      },
      ...Object.fromEntries(
        Object.entries(refusals).map(([status, text]) => [
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

/** The description of what SDKs ask for when they start. */
export const sdkSettingsSchema: FastifySchema = {
  summary: 'Settings for the SDKs of browsers and phones, which ask their CDN for them',
  tags: ['SDKs'],
  params: {
    type: 'object',
    required: ['writeKey'],
    properties: { writeKey: { type: 'string', minLength: 1 } },
  },
  response: {
    200: {
      description: 'Events go to the host that was asked',
      type: 'object',
      required: ['integrations'],
      additionalProperties: true,
      properties: { integrations: { type: 'object', additionalProperties: true } },
    },
  },
};
