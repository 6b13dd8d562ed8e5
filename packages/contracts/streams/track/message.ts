import type { MessageLayout } from '../../src/contract.ts';

/** The messages of Segment's specification (https://segment.com/docs/connections/spec/common/). */
export const segmentMessage: MessageLayout = {
  fields: {
    event_id: ['messageId'],
    type: ['type'],
    event_name: ['event', 'name'],
    anonymous_id: ['anonymousId'],
    user_id: ['userId'],
    group_id: ['groupId', 'context.groupId'],
    previous_id: ['previousId'],
    occurred_at: ['timestamp', 'originalTimestamp'],
    sent_at: ['sentAt'],
    city: ['context.location.city'],
    latitude: ['context.location.latitude'],
    longitude: ['context.location.longitude'],
    timezone: ['context.timezone'],
    os_name: ['context.os.name'],
    os_version: ['context.os.version'],
    device_type: ['context.device.type'],
    device_model: ['context.device.model'],
    device_manufacturer: ['context.device.manufacturer'],
    app_name: ['context.app.name'],
    app_version: ['context.app.version'],
    app_build: ['context.app.build'],
    properties: ['properties'],
    traits: ['traits', 'context.traits'],
    context: ['context'],
  },
  made: ['event_id', 'type', 'occurred_at', 'received_at'],
};
