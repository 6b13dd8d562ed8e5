import type { FastifyInstance } from 'fastify';
import { sdkSettingsSchema } from './openapi.ts';

/** Clients may cache the settings for this long, since each page view requests them. */
const maxAgeSeconds = 300;

/**
 * Serves the settings that the SDKs for browsers and phones request from their CDN when they start (`cdnURL` in their options).
 * They name no destinations, and make the SDK send its events to this host. The response doesn't show whether the write key
 * exists.
 */
export function addSdkSettings(app: FastifyInstance): void {
  app.get('/v1/projects/:writeKey/settings', { schema: sdkSettingsSchema }, async (request, reply) => {
    const { writeKey } = request.params as { writeKey: string };
    // Behind a gateway that terminates TLS, a page loaded by https may not send to http.
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
