export { startBackgroundServices, stopServices } from './services/background.ts';
export { type ServiceName, serviceNames } from './services/definitions.ts';
export type { ServiceRecord } from './services/record.ts';
export { type Services, type ServicesOptions, startServices } from './services/services.ts';
