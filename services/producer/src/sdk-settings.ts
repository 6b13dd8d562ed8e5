import type { FastifyInstance } from 'fastify';
import { sdkSettingsSchema } from './openapi.ts';

/** A page that sends events asks for the same over and over. */
const maxAgeSeconds = 300;

/**
 * What the SDKs for browsers and phones ask the CDN for when they start (`cdnURL` in their options): no destinations of
 * their own, and events to the host that was asked. It says nothing of the write key, known or not.
 */
export function addSdkSettings(app: FastifyInstance): void {
  app.get('/v1/projects/:writeKey/settings', { schema: sdkSettingsSchema }, async (request, reply) => {
    const { writeKey } = request.params as { writeKey: string };
    // Behind a gateway that ends TLS, a page may not send to http.
    const protocol = request.headers['x-forwarded-proto'] === 'https' ? 'https' : request.protocol;
    reply.header('cache-control', `private, max-age=${maxAgeSeconds}`);
    return {
      integrations: { 'Segment.io': { apiKey: writeKey, apiHost: `${request.host}/v1`, protocol } },
      plan: { track: { __default: { enabled: true, integrations: {} } } },
      edgeFunction: {},
      analyticsNextEnabled: true,
      middlewareSettings: {},
      enabledMiddleware: {},
      metrics: { sampleRate: 0 },
      legacyVideoPluginsEnabled: false,
      remotePlugins: [],
    };
  });
}
