export { type AskedStack, askStack } from './answers.ts';
export {
  type BackgroundOptions,
  type StackStatus,
  stackStatus,
  startBackgroundStack,
  stopStack,
} from './background.ts';
export { choosePorts } from './ports.ts';
export { type ScrapeTarget, setScrapeTargets } from './scrape-targets.ts';
export {
  type ServicesStatus,
  servicesStatus,
  startBackgroundServices,
  stopServices,
} from './services/background.ts';
export { askLag, askReady, type Health, sumOf } from './services/health.ts';
export { addressOf, type ServiceRecord } from './services/record.ts';
export {
  compileCache,
  loopbackSettings,
  type ServiceDefinition,
  type ServiceName,
  serviceNames,
  services,
} from './services/service-list.ts';
export { type Services, type ServicesOptions, startServices } from './services/services.ts';
export { type Stack, type StackOptions, startStack } from './stack.ts';
export type { PartRecord } from './stack-record.ts';
export {
  defaultStateDir,
  logEnd,
  logFile,
  type PartName,
  partNames,
  readJson,
  readStackEnv,
  type StackEndpoints,
  type StackPaths,
  stackPaths,
} from './state.ts';
export { type Child, type ChildOptions, startChild } from './supervision/child.ts';
export { isAlive, type ProcessIdentity, sendSignal } from './supervision/process-identity.ts';
